-- who takes over from whom, for an SQL console

CREATE VIEW successor AS
SELECT key, seq,
       body ->> '$.subject' AS subject,
       body ->> '$.tenant' AS tenant,
       body ->> '$.to' AS successor,
       body ->> '$.proof' AS proof,
       body
  FROM "row" WHERE kind = 'successor';

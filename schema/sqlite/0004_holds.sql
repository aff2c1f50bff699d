-- holds, for an SQL console

CREATE VIEW hold AS
SELECT key, seq,
       body ->> '$.hold' AS hold,
       body ->> '$.subject' AS subject,
       body ->> '$.person' AS person,
       body ->> '$.kind' AS kind,
       body ->> '$.until' AS until,
       body ->> '$.review' AS review,
       body ->> '$.lifted.seq' AS lifted,
       body
  FROM "row" WHERE kind = 'hold';

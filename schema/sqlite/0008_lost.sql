-- pseudonyms whose personal values were lost with the vault, for an SQL console

CREATE VIEW lost AS
SELECT key AS subject, seq,
       body ->> '$.kind' AS kind,
       body ->> '$.source' AS source,
       body
  FROM "row" WHERE kind = 'lost';

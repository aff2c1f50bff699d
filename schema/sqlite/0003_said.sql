-- what people have said about accounts, for an SQL console

CREATE VIEW stated AS
SELECT key, seq,
       body ->> '$.account' AS account,
       body ->> '$.directory' AS directory,
       body ->> '$.to.person' AS person,
       body -> '$.not' AS denied,
       body
  FROM "row" WHERE kind = 'stated';

CREATE VIEW orphan AS
SELECT key AS account, seq,
       body ->> '$.tenant' AS tenant,
       body ->> '$.word' AS word,
       body ->> '$.until' AS until,
       body
  FROM "row" WHERE kind = 'orphan';

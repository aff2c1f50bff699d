-- whom reviewers have left out of plans

CREATE VIEW kept AS
SELECT key AS account, seq, body -> '$.kept' AS kept, body
  FROM "row" WHERE kind = 'kept';

-- tasks by hand, for an SQL console

CREATE VIEW task AS
SELECT key AS account, seq,
       body ->> '$.tenant' AS tenant,
       body ->> '$.because' AS because,
       body ->> '$.at' AS opened,
       body ->> '$.taken.seq' AS taken,
       json_array_length(body, '$.releases') AS releases,
       body ->> '$.closed.seq' AS closed,
       body ->> '$.closed.because' AS ended,
       body
  FROM "row" WHERE kind = 'task';

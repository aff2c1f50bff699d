-- runs and what operators were told, for an SQL console

CREATE VIEW runs AS
SELECT key, seq,
       body ->> '$.every_hours' AS every_hours,
       body ->> '$.started.since' AS started,
       body ->> '$.finished.at' AS finished,
       body ->> '$.finished.exit' AS exit,
       body -> '$.gaps' AS gaps,
       body
  FROM "row" WHERE kind = 'runs';

CREATE VIEW channel AS
SELECT key, seq,
       body ->> '$.accepted.since' AS accepted,
       body ->> '$.failing.since' AS failing_since,
       body ->> '$.failing.because' AS because,
       body ->> '$.summary.since' AS summary,
       body -> '$.told' AS told,
       body
  FROM "row" WHERE kind = 'channel';

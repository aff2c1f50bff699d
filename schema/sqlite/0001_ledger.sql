-- The ledger: entries, where they end, and the rows that follow from them.
-- The triggers guard against mistakes, not against whoever owns the file; for him there are the
-- links, the head lock and the checkpoints.

CREATE TABLE entry (
    seq   INTEGER PRIMARY KEY CHECK (seq >= 0),
    id    TEXT NOT NULL UNIQUE,
    type  TEXT NOT NULL,
    sub   TEXT,
    run   TEXT NOT NULL,
    bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 2 AND 65535),
    link  BLOB NOT NULL CHECK (length(link) = 32)
) STRICT;

CREATE INDEX entry_sub ON entry (sub, seq) WHERE sub IS NOT NULL;
CREATE INDEX entry_type ON entry (type, seq);

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN
    SELECT RAISE(ABORT, 'entries are never changed');
END;

CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN
    SELECT RAISE(ABORT, 'entries are never deleted');
END;

-- INSERT OR REPLACE and upserts run no delete trigger, so every unique column is looked at here
CREATE TRIGGER entry_is_only_appended BEFORE INSERT ON entry
BEGIN
    SELECT RAISE(ABORT, 'entries are only appended, without gaps')
     WHERE NEW.seq IS NOT (SELECT coalesce(max(seq), -1) + 1 FROM entry);
    SELECT RAISE(ABORT, 'an entry with this id is there already')
     WHERE EXISTS (SELECT 1 FROM entry WHERE id = NEW.id);
END;

CREATE TABLE head (
    one   INTEGER PRIMARY KEY CHECK (one = 0),
    size  INTEGER NOT NULL CHECK (size >= 0),
    link  BLOB NOT NULL CHECK (length(link) = 32),
    epoch INTEGER,
    rec   TEXT
) STRICT;

INSERT INTO head (one, size, link) VALUES (0, 0, zeroblob(32));

CREATE TABLE "row" (
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- what stands in the entries, for an SQL console
CREATE VIEW entries AS
SELECT seq, type, sub, run, id,
       CAST(bytes AS TEXT) ->> '$.rec' AS rec,
       CAST(bytes AS TEXT) -> '$.data' AS data,
       CAST(bytes AS TEXT) AS text
  FROM entry;

CREATE VIEW person AS
SELECT key AS subject, seq,
       body ->> '$.directory' AS directory,
       body ->> '$.first' AS first,
       body ->> '$.first_seen' AS first_seen,
       body ->> '$.facts.disabled_by' AS disabled_by,
       body ->> '$.facts.leave_at' AS leave_at,
       body ->> '$.facts.expires_at' AS expires_at,
       body ->> '$.disabled.since' AS disabled_since,
       body ->> '$.missed.since' AS missed_since,
       body ->> '$.missed.reads' AS missed_reads,
       body ->> '$.absent.since' AS absent_since,
       body
  FROM "row" WHERE kind = 'person';

CREATE VIEW account AS
SELECT key AS subject, seq,
       body ->> '$.tenant' AS tenant,
       body ->> '$.first' AS first,
       body ->> '$.first_seen' AS first_seen,
       body ->> '$.facts.state' AS state,
       body ->> '$.facts.kind' AS kind,
       body -> '$.facts.protected' AS protected,
       body ->> '$.facts.managed_by' AS managed_by,
       body ->> '$.facts.created_at' AS created_at,
       body ->> '$.disabled.since' AS disabled_since,
       body ->> '$.gone.since' AS gone_since,
       body
  FROM "row" WHERE kind = 'account';

CREATE VIEW activity AS
SELECT key AS subject, seq,
       body ->> '$.newest.login.since' AS login,
       body ->> '$.newest.audit.since' AS audit,
       body
  FROM "row" WHERE kind = 'activity';

CREATE VIEW link AS
SELECT body ->> '$.account' AS account, seq,
       body ->> '$.directory' AS directory,
       body ->> '$.person' AS person,
       body ->> '$.rule' AS rule,
       body ->> '$.because' AS because,
       body
  FROM "row" WHERE kind = 'link';

CREATE VIEW source AS
SELECT body ->> '$.source' AS source, seq,
       body ->> '$.kind' AS kind,
       body ->> '$.last.seq' AS last_read,
       body ->> '$.last.rec' AS last_rec,
       body ->> '$.last.verdict' AS last_verdict,
       body ->> '$.complete.seq' AS complete_read,
       body ->> '$.complete.rec' AS complete_rec,
       body ->> '$.complete.proof.count' AS complete_count,
       body
  FROM "row" WHERE kind = 'source';

CREATE VIEW decision AS
SELECT key AS account, seq,
       body ->> '$.tenant' AS tenant,
       body ->> '$.run' AS run,
       body ->> '$.decision.verdict' AS verdict,
       body ->> '$.decision.policy' AS policy,
       body ->> '$.decision.do' AS "do",
       body ->> '$.decision.because' AS because,
       body ->> '$.decision.since' AS since,
       body ->> '$.decision.due' AS due,
       body
  FROM "row" WHERE kind = 'decision';

CREATE VIEW "plan" AS
SELECT key AS "plan", seq,
       body ->> '$.parent' AS parent,
       body ->> '$.digest' AS digest,
       body ->> '$.count' AS count,
       body ->> '$.now' AS now,
       body ->> '$.expires_at' AS expires_at,
       json_array_length(body, '$.approvals') AS approvals,
       body ->> '$.rejected' AS rejected,
       body ->> '$.replaced_by' AS replaced_by,
       body
  FROM "row" WHERE kind = 'plan';

CREATE VIEW step AS
SELECT body ->> '$.plan' AS "plan", seq,
       body ->> '$.number' AS number,
       body ->> '$.step.account' AS account,
       body ->> '$.step.tenant' AS tenant,
       body ->> '$.step.policy' AS policy,
       body ->> '$.step.do' AS "do",
       body ->> '$.step.because' AS because,
       body -> '$.withheld' AS withheld,
       body ->> '$.intent' AS intent,
       body ->> '$.ended' AS ended,
       body
  FROM "row" WHERE kind = 'step';

CREATE VIEW command AS
SELECT key AS intent, seq,
       body ->> '$.account' AS account,
       body ->> '$.tenant' AS tenant,
       body ->> '$.do' AS "do",
       body ->> '$.plan' AS "plan",
       body ->> '$.step' AS step,
       body ->> '$.attempt' AS attempt,
       body ->> '$.at' AS at,
       body ->> '$.deadline' AS deadline,
       body ->> '$.outcome[1]' AS outcome,
       body ->> '$.outcome[2]' AS because,
       body ->> '$.settled[1]' AS settled_done,
       body ->> '$.confirmed' AS confirmed,
       body
  FROM "row" WHERE kind = 'command';

CREATE VIEW notice AS
SELECT body ->> '$.account' AS account, seq,
       body ->> '$.policy' AS policy,
       json_array_length(body, '$.sent') AS sent,
       body ->> '$.sent[#-1].at' AS last_at,
       body ->> '$.sent[#-1].acts_at' AS acts_at,
       body
  FROM "row" WHERE kind = 'notice';

CREATE VIEW policy AS
SELECT key AS state, seq, body -> '$.policy' AS policy, body -> '$.loosens' AS loosens, body
  FROM "row" WHERE kind = 'policy';

CREATE VIEW "release" AS
SELECT key AS "plan", seq,
       body ->> '$.digest' AS digest,
       body ->> '$.at' AS at,
       body -> '$.windows' AS windows,
       body
  FROM "row" WHERE kind = 'release';

CREATE VIEW contact AS
SELECT key AS scope, seq,
       body ->> '$.at' AS at,
       json_array_length(body, '$.accounts') AS accounts,
       body ->> '$.ramp_per_day' AS ramp_per_day,
       body
  FROM "row" WHERE kind = 'contact';

CREATE VIEW halt AS
SELECT key AS scope, seq, body ->> '$.at' AS at, body ->> '$.until' AS until, body
  FROM "row" WHERE kind = 'halt';

CREATE VIEW operator AS
SELECT key AS subject, seq, body FROM "row" WHERE kind = 'operator';

CREATE VIEW ledger AS
SELECT seq,
       body ->> '$.origin' AS origin,
       body ->> '$.vault.id' AS vault,
       body ->> '$.vault.mark' AS vault_mark,
       body ->> '$.sandbox' AS sandbox,
       body ->> '$.epoch' AS epoch,
       body
  FROM "row" WHERE kind = 'ledger';

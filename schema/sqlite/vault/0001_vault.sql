-- The vault: personal values, each sealed under the key of the one whom it is about. Take away a
-- subject's row and its values cannot be read any more, here or in any copy without that row.

CREATE TABLE meta (
    one     INTEGER PRIMARY KEY CHECK (one = 0),
    id      TEXT NOT NULL,
    format  TEXT NOT NULL,
    origin  TEXT NOT NULL,
    mark    INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE subject (
    sub         TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('person', 'account', 'operator')),
    source      TEXT NOT NULL,
    wrapped     BLOB NOT NULL,
    profile     BLOB,
    fingerprint BLOB,
    -- the entry that was to record these values: if the ledger does not have it, they are news
    entry       TEXT,
    created     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE opening (
    entry  TEXT NOT NULL,
    field  TEXT NOT NULL,
    sub    TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (entry, field)
) STRICT, WITHOUT ROWID;

CREATE INDEX opening_sub ON opening (sub);

-- fp is keyed: without the vault's key nobody can ask whether an address is here
CREATE TABLE lookup (
    purpose TEXT NOT NULL CHECK (purpose IN ('key', 'address')),
    kind    TEXT NOT NULL,
    source  TEXT NOT NULL,
    fp      BLOB NOT NULL CHECK (length(fp) = 32),
    sub     TEXT NOT NULL,
    PRIMARY KEY (purpose, kind, source, fp, sub)
) STRICT, WITHOUT ROWID;

-- one immutable key of one source is one subject, also when two processes see it first
CREATE UNIQUE INDEX lookup_key ON lookup (kind, source, fp) WHERE purpose = 'key';
CREATE INDEX lookup_sub ON lookup (sub);

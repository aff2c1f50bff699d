-- The tree over the entries, in full tiles of 256 hashes, and the checkpoints that were signed.
-- Tiles follow from the entries and prove nothing by themselves: `exeunt rebuild` makes them anew.

CREATE TABLE tile (
    -- level * 2^48 + place among the tiles of its level
    place  INTEGER PRIMARY KEY CHECK (place >= 0),
    -- the root over its hashes: its hash in the tile above
    root   BLOB NOT NULL CHECK (length(root) = 32),
    hashes BLOB NOT NULL CHECK (length(hashes) = 8192)
) STRICT;

CREATE TABLE checkpoint (
    origin TEXT NOT NULL,
    size   INTEGER NOT NULL CHECK (size > 0),
    -- the signed note, as it is
    note   TEXT NOT NULL,
    -- our clock when it was signed
    at     TEXT NOT NULL,
    PRIMARY KEY (origin, size)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE ON checkpoint
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are never changed');
END;

CREATE TRIGGER checkpoint_is_never_deleted BEFORE DELETE ON checkpoint
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are never deleted');
END;

CREATE TRIGGER checkpoint_is_signed_once BEFORE INSERT ON checkpoint
BEGIN
    SELECT RAISE(ABORT, 'another checkpoint of this size was signed')
     WHERE EXISTS (SELECT 1 FROM checkpoint
                    WHERE origin = NEW.origin AND size = NEW.size AND note IS NOT NEW.note);
END;

#!/usr/bin/env python3
"""Checks the chain of an Exeunt ledger without Exeunt.

    python3 verify_chain.py exeunt.db

Needs Python 3.8 or newer, nothing but its standard library, and the program b3sum (Debian package
b3sum). Opens the file read-only. Written from LEDGER_FORMAT.md, not from the program's source.

Exit: 0 the chain holds; 1 it does not, and the first bad position is printed; 2 nothing can be said
(no file, no b3sum, an empty ledger, another format).

What it cannot see: whether the end was cut off together with the head row (compare the printed size
and link with the head lock or a checkpoint), and whatever was false when it was written.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

CONTEXT = "exeunt ledger v1 link"
CHUNK = 2000
FIELDS = {
    "actor", "at", "cause", "commit", "data", "id", "prev", "rec", "run",
    "salt", "seq", "src", "sub", "type", "v",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Bad(Exception):
    """The evidence is false from a position on."""

    def __init__(self, seq, what):
        super().__init__(f"entry {seq}: {what}" if seq is not None else f"head: {what}")


class CannotJudge(Exception):
    """Nothing can be said."""


def object_without_doubles(pairs):
    """One JSON object; two equal keys would let two readers see two entries."""
    seen = dict(pairs)
    if len(seen) != len(pairs):
        raise ValueError("an object has a key twice")
    return seen


def no_float(text):
    raise ValueError(f"a number with a fraction: {text}")


def parse(seq, raw):
    try:
        entry = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=object_without_doubles,
            parse_float=no_float,
            parse_constant=no_float,
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Bad(seq, f"it is not one JSON object: {error}")
    if not isinstance(entry, dict) or not set(entry) <= FIELDS:
        raise Bad(seq, "it does not have the fields of an entry")
    if not isinstance(entry.get("rec"), str) or not TIME.fullmatch(entry["rec"]):
        raise Bad(seq, "it has no time")
    return entry


def links(chunk, folder):
    """BLAKE3 derive_key links of many entries, by one call of b3sum."""
    names = []
    for place, row in enumerate(chunk):
        name = os.path.join(folder, str(place))
        with open(name, "wb") as file:
            file.write(row["bytes"])
        names.append(name)
    done = subprocess.run(
        ["b3sum", "--no-names", "--derive-key", CONTEXT, *names],
        stdout=subprocess.PIPE,
        check=False,
    )
    found = done.stdout.decode("ascii", "replace").split()
    if done.returncode != 0 or len(found) != len(chunk):
        raise CannotJudge("b3sum did not do its work")
    return found


def check_entry(row, expected, prev, last_rec, link):
    """Checks one entry; returns its time."""
    seq = row["seq"]
    if seq != expected:
        raise Bad(expected, "the entry is missing")
    if not isinstance(row["link"], bytes) or row["link"].hex() != link:
        raise Bad(seq, "its bytes do not have the link that is stored with them")
    entry = parse(seq, row["bytes"])
    if entry.get("seq") != seq or isinstance(entry.get("seq"), bool):
        raise Bad(seq, f"its bytes say that it is entry {entry.get('seq')}")
    for column in ("id", "type", "sub", "run"):
        if row[column] != entry.get(column):
            raise Bad(seq, f"its column {column} says something else than its bytes")
    if entry.get("prev") != prev:
        raise Bad(seq, "its prev is not the link of the entry before")
    if entry["rec"] < last_rec:
        raise Bad(seq, "its rec is before that of the entry before")
    if (entry["type"] == "ledger.opened") != (seq == 0):
        raise Bad(seq, "a ledger begins with ledger.opened, once")
    return entry


def check_format(entry):
    data = entry.get("data")
    if not isinstance(data, dict) or data.get("context") != CONTEXT:
        raise CannotJudge("the ledger names another format")


def check(db):
    expected, prev, last_rec, epoch = 0, "0" * 64, "", None
    ids = set()
    cursor = db.execute("SELECT seq, id, type, sub, run, bytes, link FROM entry ORDER BY seq")
    with tempfile.TemporaryDirectory() as folder:
        while True:
            chunk = cursor.fetchmany(CHUNK)
            if not chunk:
                break
            for row in chunk:
                if not isinstance(row["bytes"], bytes):
                    raise Bad(row["seq"], "its bytes are not bytes")
            for row, link in zip(chunk, links(chunk, folder)):
                entry = check_entry(row, expected, prev, last_rec, link)
                if expected == 0:
                    check_format(entry)
                if row["id"] in ids:
                    raise Bad(expected, "another entry has the same id")
                ids.add(row["id"])
                if entry["type"] == "actor.took-over":
                    epoch = expected
                expected, prev, last_rec = expected + 1, link, entry["rec"]
    head = db.execute("SELECT size, link, epoch, rec FROM head").fetchone()
    if expected == 0:
        raise CannotJudge("the ledger has no entries")
    if head is None:
        raise Bad(None, "the head row is missing")
    if head["size"] > expected:
        raise Bad(expected, "the entry is missing")
    if head["size"] < expected:
        raise Bad(head["size"], "the head row ends before this entry")
    for column, wanted in (("link", bytes.fromhex(prev)), ("epoch", epoch), ("rec", last_rec)):
        if head[column] != wanted:
            raise Bad(None, f"the head row does not fit the last entry: its {column} is another")
    return expected, prev


def main(arguments):
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        if not path.is_file():
            raise CannotJudge(f"there is no file {path}")
        if shutil.which("b3sum") is None:
            raise CannotJudge("the program b3sum is not installed")
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        size, link = check(db)
    except Bad as bad:
        print(f"FALSE  {bad}")
        return 1
    except CannotJudge as reason:
        print(f"CANNOT JUDGE  {reason}")
        return 2
    except (OSError, sqlite3.Error) as error:
        print(f"CANNOT JUDGE  {error}")
        return 2
    print(f"OK  {size} entries, link {link}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

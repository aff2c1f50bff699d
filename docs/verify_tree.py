#!/usr/bin/env python3
"""Checks what an Exeunt ledger gives out, without Exeunt: checkpoint, proof, and the whole log.

    python3 verify_tree.py KEY checkpoint FILE
    python3 verify_tree.py KEY proof FILE ENTRY
    python3 verify_tree.py KEY tiles DIRECTORY [KEPT_CHECKPOINT]

KEY is the log's verifier key (NAME+ID+BASE64), which you have from somewhere else than the evidence.
KEPT_CHECKPOINT is an older one that you kept: what it covers must be the beginning of the log.

Needs Python 3.8 or newer, nothing but its standard library, and the program openssl (1.1.1 or newer)
for the signature. Written from LEDGER_FORMAT.md and C2SP, not from the program's source.

Exit: 0 everything holds; 1 something is false; 2 nothing can be said (a file is missing, another
log's key, an empty log).

What it cannot see: what was never recorded, what was false when it was recorded, and everything
after the checkpoint. The BLAKE3 links inside the entries are checked by verify_chain.py.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

PROOF = "c2sp.org/tlog-proof@v1"
ED25519 = bytes.fromhex("302a300506032b6570032100")


class Bad(Exception):
    """The evidence is false."""


class CannotJudge(Exception):
    """Nothing can be said."""


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CannotJudge(f"{path}: {error.strerror}")


def decode(text, length=None):
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(f"not base64: {text[:60]!r}")
    if base64.b64encode(found).decode("ascii") != text or (length and len(found) != length):
        raise Bad(f"not {length or 'exact'} bytes in base64: {text[:60]!r}")
    return found


# ---- signed notes


def key_of(text):
    """Name, id and public key of a verifier key."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise CannotJudge("the key is not NAME+ID+BASE64")
    name, key_id, typed = parts[0], parts[1], base64.b64decode(parts[2])
    if len(typed) != 33 or typed[0] != 1:
        raise CannotJudge("the key is not an Ed25519 key")
    wanted = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    if wanted.hex() != key_id:
        raise CannotJudge("the key's id is not that of its name and key")
    return name, wanted, typed[1:]


def signature_holds(public, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for name, data in (("key", ED25519 + public), ("text", text), ("sig", signature)):
            paths[name] = os.path.join(folder, name)
            with open(paths[name], "wb") as file:
                file.write(data)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
                   paths["key"], "-rawin", "-in", paths["text"], "-sigfile", paths["sig"]]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError:
            raise CannotJudge("the program openssl is not installed")
        return done.returncode == 0


def checkpoint(raw, key):
    """Size and root that the log has signed for."""
    name, key_id, public = key_of(key)
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("the checkpoint is not UTF-8")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise Bad("the checkpoint is not a signed note")
    text += "\n"
    signed = False
    for line in lines[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        if not match:
            raise Bad("a line below the checkpoint is not a signature")
        payload = decode(match.group(2))
        if match.group(1) != name or payload[:4] != key_id:
            continue
        if not signature_holds(public, text.encode("utf-8"), payload[4:]):
            raise Bad("the log's signature is false")
        signed = True
    if not signed:
        raise CannotJudge(f"{name} has not signed it")
    rows = text[:-1].split("\n")
    if len(rows) < 3 or rows[0] != name or not re.fullmatch("0|[1-9][0-9]*", rows[1]):
        raise Bad("the note is not a checkpoint of this log")
    size = int(rows[1])
    if size == 0:
        raise CannotJudge("the log is empty")
    return size, decode(rows[2], 32)


# ---- the tree of RFC 6962


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes):
    """The root over hashes of one level."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node(root_of(hashes[:half]), root_of(hashes[half:]))


def root_by_path(index, size, found, path):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        raise Bad(f"there is no entry {index} among {size}")
    fine, last = index, size - 1
    for step in path:
        if last == 0:
            raise Bad("the path is too long")
        if fine & 1 or fine == last:
            found = node(step, found)
            while not fine & 1 and fine:
                fine, last = fine >> 1, last >> 1
        else:
            found = node(found, step)
        fine, last = fine >> 1, last >> 1
    if last:
        raise Bad("the path is too short")
    return found


def says_its_position(data, seq):
    try:
        entry = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, ValueError) as error:
        raise Bad(f"entry {seq} is not JSON: {error}")
    if not isinstance(entry, dict) or entry.get("seq") != seq:
        raise Bad(f"entry {seq} says another position")


# ---- what is handed out


def check_proof(key, path, entry_path):
    raw = read(path)
    head, gap, note = raw.partition(b"\n\n")
    if not gap:
        raise Bad("no checkpoint stands in the proof")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Bad("the proof is not text")
    if len(lines) > 1 and lines[1].startswith("extra "):
        del lines[1]
    match = re.fullmatch("index (0|[1-9][0-9]*)", lines[1]) if len(lines) > 1 else None
    if lines[0] != PROOF or not match:
        raise Bad("it is not a proof")
    index, hashes = int(match.group(1)), [decode(line, 32) for line in lines[2:]]
    size, root = checkpoint(note, key)
    data = read(entry_path)
    if root_by_path(index, size, leaf(data), hashes) != root:
        raise Bad(f"these bytes are not entry {index} of the {size} that were signed for")
    says_its_position(data, index)
    return f"entry {index} of {size}"


def place(number, width):
    name = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        name = f"x{number % 1000:03}/{name}"
    return name if width == 256 else f"{name}.p/{width}"


def bundle(path, width):
    data, at, found = read(path), 0, []
    for _ in range(width):
        end = at + 2 + int.from_bytes(data[at:at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise Bad(f"{path} ends too early")
        found.append(data[at + 2:end])
        at = end
    if at != len(data):
        raise Bad(f"{path} is too long")
    return found


def check_tiles(key, directory, kept=None):
    size, root = checkpoint(read(os.path.join(directory, "checkpoint")), key)
    level = []
    for n in range((size + 255) // 256):
        width = min(256, size - 256 * n)
        for data in bundle(os.path.join(directory, "tile", "entries", place(n, width)), width):
            says_its_position(data, len(level))
            level.append(leaf(data))
    leaves, number = level, 0
    while level:
        above = []
        for n in range((len(level) + 255) // 256):
            hashes = level[256 * n:256 * n + 256]
            path = os.path.join(directory, "tile", str(number), place(n, len(hashes)))
            if read(path) != b"".join(hashes):
                raise Bad(f"{path} has not the hashes of the entries")
            if len(hashes) == 256:
                above.append(root_of(hashes))
        level, number = above, number + 1
    if root_of(leaves) != root:
        raise Bad("the entries are not those that were signed for")
    said = f"all {size} entries"
    if kept is not None:
        old_size, old_root = checkpoint(read(kept), key)
        if old_size > size:
            raise Bad(f"{old_size} entries were kept, and here are {size}: the end was cut off")
        if root_of(leaves[:old_size]) != old_root:
            raise Bad(f"history was rewritten: the first {old_size} entries are not those kept")
        said += f", the first {old_size} as they were kept"
    return said


def main(arguments):
    what = {"checkpoint": (1, 1), "proof": (2, 2), "tiles": (1, 2)}
    if len(arguments) < 3 or arguments[1] not in what:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    key, kind, rest = arguments[0], arguments[1], arguments[2:]
    least, most = what[kind]
    if not least <= len(rest) <= most:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        if kind == "checkpoint":
            said = f"a checkpoint of {checkpoint(read(rest[0]), key)[0]} entries"
        elif kind == "proof":
            said = check_proof(key, *rest)
        else:
            said = check_tiles(key, *rest)
    except Bad as bad:
        print(f"FALSE  {bad}")
        return 1
    except CannotJudge as reason:
        print(f"CANNOT JUDGE  {reason}")
        return 2
    print(f"OK  {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

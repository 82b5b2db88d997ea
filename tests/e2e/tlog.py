# SPDX-License-Identifier: Apache-2.0
"""A verifier of transparency logs that shares no code with the program: C2SP signed-note, tlog-checkpoint, tlog-tiles and
tlog-proof, written from the specifications. Signatures are checked by openssl's command.
"""
import base64
import hashlib
import os
import struct
import subprocess
import tempfile


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(hashes):
    """Merkle tree hash of RFC 6962."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node(root(hashes[:split]), root(hashes[split:]))


def parse_vkey(vkey):
    name, key_id, key = vkey.split("+", 2)
    raw = base64.b64decode(key, validate=True)
    assert raw[0] == 1 and len(raw) == 33, "not an Ed25519 key"
    assert hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == key_id, "key id"
    return name, bytes.fromhex(key_id), raw[1:]


def ed25519(key, message, signature):
    with tempfile.TemporaryDirectory() as d:
        paths = [os.path.join(d, n) for n in ("key", "message", "signature")]
        for path, data in zip(paths, (bytes.fromhex("302a300506032b6570032100") + key, message, signature)):
            with open(path, "wb") as f:
                f.write(data)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0], "-rawin", "-in",
                               paths[1], "-sigfile", paths[2]], capture_output=True).returncode == 0


def checkpoint(note, vkey):
    """(size, root) of a checkpoint that `vkey` signed."""
    name, key_id, key = parse_vkey(vkey)
    text, signatures = note.split("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, who, value = line.split(" ")
        raw = base64.b64decode(value, validate=True)
        if dash == "\u2014" and who == name and raw[:4] == key_id:
            assert ed25519(key, text.encode(), raw[4:]), "bad signature"
            origin, size, hash_ = text.split("\n")[:3]
            assert origin == name, "origin"
            return int(size), base64.b64decode(hash_, validate=True)
    raise AssertionError("not signed by this key")


def tile_path(kind, index, width=256):
    path = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        path = f"x{index % 1000:03}/{path}"
    return f"tile/{kind}/{path}" + (f".p/{width}" if width != 256 else "")


def tiles_of(size, level):
    """(index, width) of the tiles of a level."""
    count = size >> (8 * level)
    return [(i, min(256, count - 256 * i)) for i in range((count + 255) // 256)]


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def read_tile(folder, kind, index, width, size_of):
    """A tile; of one that became full since the checkpoint the first `width` parts, which size_of(data, n) measures."""
    try:
        return read(folder, tile_path(kind, index, width))
    except FileNotFoundError:
        data = read(folder, tile_path(kind, index))
        return data[:size_of(data, width)]


def size_of_entries(data, count):
    at = 0
    for _ in range(count):
        at += 2 + struct.unpack_from(">H", data, at)[0]
    return at


def entries(folder, size):
    """The log's entries, from the bundles."""
    found = []
    for index, width in tiles_of(size, 0):
        data = read_tile(folder, "entries", index, width, size_of_entries)
        at = 0
        while at < len(data):
            length, = struct.unpack_from(">H", data, at)
            found.append(data[at + 2:at + 2 + length])
            assert len(found[-1]) == length, "a bundle ends early"
            at += 2 + length
        assert len(found) == 256 * index + width, "a bundle of another width"
    return found


def check_log(folder, vkey):
    """The entries of a log whose checkpoint, tiles and bundles agree; AssertionError otherwise."""
    size, signed = checkpoint(read(folder, "checkpoint").decode(), vkey)
    found = entries(folder, size)
    hashes = [leaf(e) for e in found]
    assert root(hashes) == signed, "the entries aren't those that were signed"
    level = 0
    while hashes:
        for index, width in tiles_of(size, level):
            tile = read_tile(folder, level, index, width, lambda data, count: 32 * count)
            assert tile == b"".join(hashes[256 * index:256 * index + width]), (level, index)
        hashes = [root(hashes[i:i + 256]) for i in range(0, len(hashes) // 256 * 256, 256)]
        level += 1
    return found


def check_proof(text, vkey, entry=None):
    """(index, entry) that a tlog-proof proves; AssertionError otherwise."""
    head, note = text.split("\n\n", 1)
    lines = head.split("\n")
    assert lines.pop(0) == "c2sp.org/tlog-proof@v1"
    if lines[0].startswith("extra "):
        extra = base64.b64decode(lines.pop(0)[6:], validate=True)
        entry = extra if entry is None else entry
    key, index = lines.pop(0).split(" ")
    assert key == "index"
    index = int(index)
    size, signed = checkpoint(note, vkey)
    path = [base64.b64decode(line, validate=True) for line in lines]
    at, last, hash_ = index, size - 1, leaf(entry)  # RFC 9162, 2.1.3.2
    assert index < size
    for sibling in path:
        assert last > 0, "too long"
        if at & 1 or at == last:
            hash_ = node(sibling, hash_)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node(hash_, sibling)
        at, last = at >> 1, last >> 1
    assert last == 0 and hash_ == signed, "not proved"
    return index, entry

"""Checks a proof of an event with nothing of countersign's: RFC 6962, C2SP signed-note, tlog-checkpoint
and tlog-proof, as they are written down.

    check.py PROOF.json VERIFIER-KEY
"""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    assert index < size, "the index is beyond the tree"
    hash_, node, last = leaf, index, size - 1
    for sibling in path:
        assert last != 0, "the path is too long"
        if node & 1 or node == last:
            hash_ = sha256(b"\x01", sibling, hash_)
            while not node & 1 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            hash_ = sha256(b"\x01", hash_, sibling)
        node, last = node >> 1, last >> 1
    assert last == 0, "the path is too short"
    return hash_


def opened(note, vkey):
    """The text of a note, if the key signed it."""
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1, "not an Ed25519 key"
    assert sha256(name.encode(), b"\n", key)[:4].hex() == key_id, "the id is of another key"
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if dash == "—" and signer == name and signature[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], text.encode())
            return text
    raise AssertionError("the key did not sign this")


def check(entry, vkey):
    head, note = entry["proof"].split("\n\n", 1)
    title, index, *path = head.split("\n")
    assert title == "c2sp.org/tlog-proof@v1", title
    assert index.startswith("index "), index
    origin, size, root = opened(note, vkey).splitlines()
    assert origin == vkey.split("+", 1)[0]
    leaf = sha256(b"\x00", entry["document"].encode())
    path = [base64.b64decode(hash_, validate=True) for hash_ in path]
    assert root_of(leaf, int(index[6:]), int(size), path) == base64.b64decode(root), "another root"
    assert int(index[6:]) == entry["seq"] - 1
    return json.loads(entry["document"])["id"]


with open(sys.argv[1], encoding="utf-8") as file:
    proof = json.load(file)
ids = {check(entry, sys.argv[2]) for entry in proof["entries"]}
assert ids == {proof["event"]}, ids
print(f"{len(proof['entries'])} entries proven")

# SPDX-License-Identifier: Apache-2.0
"""A witness of transparency logs (C2SP tlog-witness, tlog-cosignature), written from the specifications; it shares no code with
the program. It remembers for each log the checkpoint that it cosigned last, and cosigns only what continues that.

    with Witness("witness.example/w1", [vkey]) as w:
        w.url, w.vkey, w.seen, w.requests
"""
import base64
import hashlib
import http.server
import struct
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import tlog


def consistent(first, first_root, second, second_root, proof):
    """RFC 9162, 2.1.4.2."""
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof
    if first & (first - 1) == 0:
        proof = [first_root] + proof
    if not proof:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = tlog.node(c, fr), tlog.node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = tlog.node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


class Refused(Exception):
    def __init__(self, status, body="", kind="text/plain"):
        super().__init__(status)
        self.status, self.body, self.kind = status, body, kind


def conflict(size):
    return Refused(409, f"{size}\n", "text/x.tlog.size")


class Cosigner:
    """A witness's key, and what its cosignatures and verifier key look like."""

    def __init__(self, name):
        self.name, self.key, self.ahead = name, Ed25519PrivateKey.generate(), 0
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
        self.vkey = f"{name}+{self.key_id.hex()}+{base64.b64encode(bytes([4]) + public).decode()}"

    def line(self, text):
        now = int(time.time()) + self.ahead
        signature = self.key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        return f"\u2014 {self.name} {base64.b64encode(self.key_id + struct.pack('>Q', now) + signature).decode()}\n"


class Witness(Cosigner):
    """An HTTP server in a thread. `spoil` is called with each answer (status, kind, body) and may change it."""

    def __init__(self, name, logs):
        super().__init__(name)
        self.logs = {vkey.split("+")[0]: vkey for vkey in logs}
        self.seen = {}      # origin: (size, root)
        self.requests = []  # (old size, checkpoint's size, status)
        self.lock = threading.Lock()
        self.spoil = lambda *answer: answer
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                try:
                    if self.path != "/add-checkpoint":
                        raise Refused(404)
                    answer = 200, "text/plain", witness.add_checkpoint(body)
                except Refused as refused:
                    answer = refused.status, refused.kind, refused.body
                status, kind, text = witness.spoil(*answer)
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add_checkpoint(self, body):
        head, _, note = body.partition("\n\n")
        lines = head.split("\n")
        if not lines[0].startswith("old ") or not lines[0][4:].isdigit() or len(lines) > 64:
            raise Refused(400)
        old = int(lines[0][4:])
        proof = [base64.b64decode(line, validate=True) for line in lines[1:]]
        text = note.split("\n\n")[0] + "\n"
        origin, size = text.split("\n")[0], int(text.split("\n")[1])
        try:
            self.judge(origin, old, proof, note)
        except Refused as refused:
            self.requests.append((old, size, refused.status))
            raise
        self.requests.append((old, size, 200))
        return self.line(text)

    def judge(self, origin, old, proof, note):
        if origin not in self.logs:
            raise Refused(404)
        try:
            size, root = tlog.checkpoint(note, self.logs[origin])
        except AssertionError:
            raise Refused(403) from None
        if old > size:
            raise Refused(400)
        with self.lock:
            known, known_root = self.seen.get(origin, (0, hashlib.sha256(b"").digest()))
            if old != known or (old == size and root != known_root):
                raise conflict(known)
            if not consistent(old, known_root, size, root, proof):
                raise Refused(422)
            self.seen[origin] = size, root

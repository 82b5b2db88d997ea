# SPDX-License-Identifier: Apache-2.0
"""Checkpoints leave the store: commands anchor them, witnesses cosign them, and an auditor sees by that if the log was rewritten.

Goal: what [[anchor]] in ward.toml promises, and that `ward audit cosign` and `verify --witness` speak C2SP with a witness that
shares no code with the program (witness.py). Method: real mounts; witnesses and a time stamp authority in threads of the test;
a store that is rewritten with its own key.
"""
import hashlib
import http.server
import json
import os
import shutil
import socket
import ssl
import threading
import time

import tlog
from cases import Case
from harness import REPOSITORY, WARD, Mount, alive, main, read, sh, wait_until, ward, write
from people import ONE, require_people
from policies import TEAM
from witness import Cosigner, Witness


def add_anchor(m, name, command, every="1h", timeout="20s"):
    words = ", ".join(json.dumps(word) for word in command)
    write(m.store + "/ward.toml", f'\n[[anchor]]\nname = "{name}"\ncommand = [{words}]\nevery = "{every}"\ntimeout = "{timeout}"\n', "ab")


def sh_anchor(m, name, script, **how):
    add_anchor(m, name, ["/bin/sh", "-c", script], **how)


def cosign_anchor(m, name, witness, **how):
    add_anchor(m, name, [WARD, "audit", "cosign", "--witness", witness.url, "--key", witness.vkey], **how)


def anchors(m, name):
    """The kept outputs of an anchor: {size: path}, oldest first."""
    folder = m.store + "/audit/anchors"
    files = sorted(f for f in os.listdir(folder) if f.endswith("." + name)) if os.path.isdir(folder) else []
    return {int(f.split(".")[0]): f"{folder}/{f}" for f in files}


def runs(m, name, **want):
    return m.records(action="anchor", name=name, **want)


class AnchorCase(Case):
    def store(self, **how):
        m = Mount(mount=False, **how)
        self.addCleanup(m.cleanup)
        return m

    def witness(self, name, *mounts):
        w = Witness(name, [m.vkey for m in mounts])
        return self.enterContext(w)

    def copy(self, m, name="copy"):
        to = f"{m.base}/{name}"
        sh(f"cp -r '{m.path('@@/audit')}' {to}")
        return to

    def verify(self, folder, *more, code=0):
        done = ward("audit", "verify", folder, *more, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done


class Witnesses(AnchorCase):
    def test_a_mount_has_its_log_cosigned_as_it_grows_and_when_it_ends(self):
        m = self.store()
        w = self.witness("witness.example/w1", m)
        cosign_anchor(m, "w1", w, every="1s")
        m.mount()
        write(m.path("f"), "x")
        first, path = wait_until(lambda: list(anchors(m, "w1").items()), what="the first anchor")[0]
        note = read(path).decode()
        self.assertEqual(tlog.checkpoint(note, m.vkey)[0], first)
        self.assertEqual(note.count("\u2014 witness.example/w1 "), 1)
        self.assertEqual(read(f"{m.store}/audit/anchors/{first:020}.checkpoint").decode(), note[:note.index("\u2014 witness.example")])
        run = wait_until(lambda: runs(m, "w1"))[0]
        self.assertEqual((run["event"]["outcome"], run["ward"]["result"], run["ward"]["checkpoint"], run["ward"]["sha256"],
                          run["file"]["path"]),
                         ("success", "stored", first, hashlib.sha256(note.encode()).hexdigest(), f"/@@/audit/anchors/{first:020}.w1"))

        for i in range(300):
            write(m.path(f"g{i % 9}"), str(i))
        wait_until(lambda: len(anchors(m, "w1")) > 1 and max(anchors(m, "w1")) > 600, what="an anchor of the grown log")
        self.assertTrue(all(status == 200 for _, _, status in w.requests), w.requests)  # anchors/ says what the witness knows
        self.assertGreater(w.requests[-1][0], 0)

        names = os.listdir(m.path("@@/audit"))  # in this order, so that a copy never has an anchor without the lines under it
        self.assertEqual([n for n in names if n in ("checkpoint", "anchors", "tile") or n.endswith(".jsonl")][:3],
                         ["checkpoint", "anchors", "tile"])
        copy = self.copy(m)
        self.assertTrue(os.path.exists(f"{copy}/anchors/{first:020}.w1"))
        out = self.verify(copy, "--key", m.vkey, "--witness", w.vkey).stdout
        self.assertRegex(out, r"witness witness\.example/w1 cosigned \d+ records at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        self.assertIn("\nverified\n", out)
        self.verify(copy, "--witness", w.vkey)  # a witness vouches as a kept checkpoint does

        m.umount()
        lines = m.records()
        ended = next(i for i, r in enumerate(lines) if r["event"]["action"] == "unmount")
        self.assertGreater(max(anchors(m, "w1")), ended)
        self.assertIn([r["event"]["action"] for r in lines[ended + 1:]], (["anchor"], ["anchor"] * 2))  # one may have been at work
        self.assertGreater(w.seen[m.vkey.split("+")[0]][0], ended)
        self.verify(m.store, "--key", m.vkey, "--witness", w.vkey)
        ward("fsck", m.store)
        ward("rebuild", m.store)

    def test_a_rewritten_log_is_refused_and_caught(self):
        m = self.store()
        w = self.witness("witness.example/w1", m)
        shutil.copytree(m.store, m.base + "/early")
        cosign_anchor(m, "w1", w)
        m.mount()
        for i in range(40):
            write(m.path("true"), str(i))
        m.umount()
        newest = max(anchors(m, "w1"))
        self.assertEqual(w.seen[m.vkey.split("+")[0]][0], newest)
        cosigned = read(anchors(m, "w1")[newest])

        os.rename(m.store, m.base + "/honest")  # the same key signs another history
        os.rename(m.base + "/early", m.store)
        cosign_anchor(m, "w1", w)
        m.mount()
        for i in range(60):
            write(m.path("false"), str(i))
        m.umount()
        failed = runs(m, "w1", outcome="failure")[-1]
        self.assertEqual((failed["ward"]["result"], failed["ward"]["code"]), ("exit", 12))
        self.assertIn(f"isn't a continuation of the {newest} records that it has seen", failed["event"]["reason"])
        self.assertEqual(w.requests[-1][2], 422)
        self.assertEqual(anchors(m, "w1"), {})

        self.verify(m.store, "--key", m.vkey)  # its own key signed it: nobody else can tell
        done = self.verify(m.store, "--key", m.vkey, "--witness", w.vkey, code=12)
        self.assertIn("too few of the named witnesses", done.stdout)
        os.mkdir(m.store + "/audit/anchors")
        write(f"{m.store}/audit/anchors/{newest:020}.w1", cosigned)
        done = self.verify(m.store, "--key", m.vkey, "--witness", w.vkey, code=12)
        self.assertIn(f"the first {newest} records aren't those that anchors/{newest:020}.w1 (cosigned by witness.example/w1)", done.stderr)
        shutil.rmtree(m.store + "/audit/anchors")
        write(m.base + "/kept", cosigned)
        self.verify(m.store, "--key", m.vkey, "--checkpoint", m.base + "/kept", "--witness", w.vkey, code=12)
        self.verify(m.base + "/honest", "--key", m.vkey, "--checkpoint", m.base + "/kept", "--witness", w.vkey)

    def test_a_quorum_of_witnesses(self):
        m = self.store()
        one, two, three = (self.witness(f"witness.example/w{i}", m) for i in (1, 2, 3))
        cosign_anchor(m, "one", one)
        cosign_anchor(m, "two", two)
        m.mount()
        m.umount()
        key, named = ("--key", m.vkey), [word for w in (one, two, three) for word in ("--witness", w.vkey)]
        self.verify(m.store, *key, *named[:4])
        done = self.verify(m.store, *key, *named, code=12)
        self.assertIn("2 of the witnesses cosigned this log, 3 should have", done.stderr)
        self.assertIn("witness witness.example/w3 cosigned nothing", done.stdout)
        self.verify(m.store, *key, *named, "--quorum", "2")
        self.assertEqual(m.records(action="maintenance")[-2]["ward"]["result"], "unwitnessed")
        impostor = Cosigner("witness.example/w1")
        self.verify(m.store, *key, "--witness", impostor.vkey, code=12)
        for words in (["--quorum", "2"], named[:2] * 2, ["--witness", m.vkey], ["--witness", "x"], [*named, "--quorum", "4"],
                      [*named, "--range", "0-1"]):
            self.assertNotEqual(self.verify(m.store, *key, *words, code=2).stderr, "")

    def test_asked_by_hand(self):
        m = self.store()
        w = self.witness("witness.example/w1", m)
        m.mount()
        folder = m.store + "/audit"
        ask = ("audit", "cosign", folder, "--witness", w.url + "/", "--key", w.vkey)
        write(m.base + "/first", ward(*ask).stdout)
        for i in range(300):
            write(m.path("f"), str(i))
        read(m.path("f@@/versions/300.proof"))  # has a checkpoint signed
        w.requests.clear()
        second = ward(*ask).stdout
        sizes = [tlog.checkpoint(text, m.vkey)[0] for text in (read(m.base + "/first").decode(), second)]
        self.assertEqual(w.requests, [(0, sizes[1], 409), (sizes[0], sizes[1], 200)])
        write(m.base + "/second", second)
        for name in ("first", "second"):
            self.verify(folder, "--checkpoint", f"{m.base}/{name}", "--witness", w.vkey)

        w.requests.clear()
        again = ward(*ask, "--stdin", "--since", m.base + "/second", stdin=second).stdout
        self.assertEqual(w.requests, [(sizes[1], sizes[1], 200)])
        self.assertEqual(again.count("\u2014 witness.example/w1 "), 2)
        for more in ((), ("--since", m.base + "/second")):
            done = ward(*ask, "--stdin", *more, stdin=read(m.base + "/first").decode(), check=False)
            self.assertEqual(done.returncode, 12, done)
            self.assertIn(f"it has seen {sizes[1]} records", done.stderr)
        os.chdir(m.mnt)
        self.addCleanup(os.chdir, "/")
        self.assertIn("witness.example/w1", ward("audit", "cosign", "--witness", w.url, "--key", w.vkey).stdout)

    def test_what_a_witness_may_answer(self):
        m, other = self.store(), self.store()
        w = self.witness("witness.example/w1", m)
        origin = m.vkey.split("+")[0]

        def ask(code, *words, store=m.store, url=w.url, key=w.vkey):
            done = ward("audit", "cosign", store, "--witness", url, "--key", key, "--timeout", "5", check=False)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
            for word in words:
                self.assertIn(word, done.stderr)
        ask(1, "doesn't know the log", other.vkey.split("+")[0], store=other.store)
        w.logs[origin] = other_key(origin)
        ask(1, "doesn't accept the signature of the log")
        w.logs[origin] = m.vkey
        ask(12, "has no cosignature by witness.example/w9", key=Cosigner("witness.example/w9").vkey)
        ask(2, "type 04", key=m.vkey)
        w.ahead = 3600
        ask(12, "from the future")
        w.ahead = 0
        for status, body, kind, code, words in (
                (422, "", "text/plain", 12, "isn't a continuation"), (409, "0\n", "text/x.tlog.size", 1, "does somebody else ask"),
                (409, "1\n", "text/x.tlog.size", 1, "does somebody else ask"), (409, "1\n", "text/html", 1, "without saying how many"),
                (409, "-1\n", "text/x.tlog.size", 1, "without saying how many"), (409, "1\n2\n", "text/x.tlog.size", 1, "without saying"),
                (409, "99999\n", "text/x.tlog.size", 12, "has seen 99999"),
                (500, "", "text/plain", 1, "HTTP status 500"), (200, "", "text/plain", 12, "no cosignature"),
                (200, "<html>\n", "text/html", 12, "malformed"), (200, "x" * 100_000, "text/plain", 1, "longer than 64 KiB")):
            w.spoil = lambda *_: (status, kind, body)
            ask(code, words)
        w.spoil = lambda *answer: answer
        size = tlog.checkpoint(read(m.store + "/audit/checkpoint").decode(), m.vkey)[0]
        w.seen[origin] = size, b"x" * 32
        ask(12, f"it has seen other {size} records: the log was rewritten")
        w.seen.clear()
        w.spoil = lambda status, kind, body: (status, kind, body.replace("A", "B"))
        ask(12)
        ask(2, "not supported", url="file:///etc/passwd")
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            ask(1, "onnect", url=f"http://127.0.0.1:{nobody.getsockname()[1]}")

    def test_a_server_that_isnt_what_its_certificate_says(self):
        m = self.store()
        w = Witness("witness.example/w1", [m.vkey])
        sh(f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {m.base}/k -out {m.base}/c -subj /CN=x -days 2 2>/dev/null")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(m.base + "/c", m.base + "/k")
        w.server.socket = context.wrap_socket(w.server.socket, server_side=True)
        with w:
            done = ward("audit", "cosign", m.store, "--witness", w.url.replace("http:", "https:"), "--key", w.vkey, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("certificate", done.stderr)
        self.assertEqual(w.requests, [])


def other_key(origin):
    """A log's verifier key of that name, of which nobody has the private part any more."""
    other = Cosigner(origin)
    raw = b"\1" + tlog.base64.b64decode(other.vkey.split("+", 2)[2])[1:]
    return f"{origin}+{hashlib.sha256(origin.encode() + bytes([10]) + raw).digest()[:4].hex()}+{tlog.base64.b64encode(raw).decode()}"


class Commands(AnchorCase):
    def test_a_dead_witness_is_recorded_and_slows_nobody(self):
        m = self.store()
        with socket.socket() as deaf:  # takes connections and never answers
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(16)
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            w = Cosigner("witness.example/w1")
            add_anchor(m, "dead", [WARD, "audit", "cosign", "--witness", url, "--key", w.vkey, "--timeout", "600"],
                       timeout="3s", every="1s")
            m.mount()
            asked = deaf.accept()[0]  # and gets no answer
            self.addCleanup(asked.close)
            began = time.monotonic()
            before = tlog.checkpoint(read(m.path("@@/audit/checkpoint")).decode(), m.vkey)[0]
            for i in range(50):
                write(m.path(f"f{i}"), "x")
            wait_until(lambda: tlog.checkpoint(read(m.path("@@/audit/checkpoint")).decode(), m.vkey)[0] > before + 100,
                       what="checkpoints while the witness is deaf")
            self.assertLess(time.monotonic() - began, 20)
            run = wait_until(lambda: runs(m, "dead"), what="the record of the failure")[0]
            self.assertEqual((run["event"]["outcome"], run["ward"]["result"]), ("failure", "timeout"))
            self.assertEqual(anchors(m, "dead"), {})
            m.umount()

    def test_a_failure_can_be_found(self):
        m = self.store()
        sh_anchor(m, "mail", "echo no route >&2; exit 75")
        m.mount()
        wait_until(lambda: runs(m, "mail"))
        self.addCleanup(os.chdir, "/")
        os.chdir(m.mnt)
        table = ward("log", "--action", "anchor", "--outcome", "refused").stdout.splitlines()
        self.assertRegex(table[1], r"anchor +FAILED +/@@/audit/checkpoint +mail result=exit code=75 checkpoint=\d+ — no route$")
        event = json.loads(ward("log", "--action", "anchor", "--format", "ocsf").stdout.splitlines()[0])
        self.assertEqual((event["status_id"], event["action_id"], event["status_detail"]), (2, 1, "no route"))
        os.chdir("/")  # or it couldn't be unmounted

    def test_timeout_kills_all_that_a_command_started(self):
        m = self.store()
        sh_anchor(m, "stuck", f"sleep 1000 & echo $! > {m.base}/pid; wait", timeout="1s")
        m.mount()
        self.assertEqual(wait_until(lambda: runs(m, "stuck"))[0]["ward"]["result"], "timeout")
        wait_until(lambda: not alive(int(read(m.base + "/pid"))), what="the sleep to end")

    def test_a_killed_daemon_leaves_no_command(self):
        m = self.store()
        sh_anchor(m, "stuck", f"echo $$ > {m.base}/pid; exec sleep 1000", timeout="10m")
        m.mount()
        pid = wait_until(lambda: int(read(m.base + "/pid")), what="the command to run")
        m.kill9()
        wait_until(lambda: not alive(pid), what="the command to end")

    def test_a_hook_that_mails(self):
        m = self.store()
        mailbox = m.base + "/mailbox"
        sh_anchor(m, "mail", f"(echo Subject: $WARD_ORIGIN has $WARD_CHECKPOINT_SIZE records; cat) >> {mailbox}")
        m.mount()
        run = wait_until(lambda: runs(m, "mail"))[0]
        self.assertEqual((run["ward"]["result"], run["event"]["outcome"], run["ward"].get("sha256")), ("done", "success", None))
        size = run["ward"]["checkpoint"]
        text = read(mailbox).decode()
        self.assertTrue(text.startswith(f"Subject: {m.vkey.split('+')[0]} has {size} records\n"), text)
        self.assertEqual(tlog.checkpoint(text.split("\n", 1)[1], m.vkey)[0], size)
        self.assertEqual(anchors(m, "mail"), {})
        m.umount()
        self.assertEqual(read(mailbox).decode().count("Subject:"), 2)  # one more at the end, whatever `every` says
        self.assertEqual(len(runs(m, "mail")), 2)

    def test_only_auditors_see_the_anchors(self):
        require_people()
        m = self.store(policy=TEAM)
        sh_anchor(m, "kept", "echo kept")  # as the names of drafts end on disk
        m.mount()
        size = list(wait_until(lambda: anchors(m, "kept")))[0]
        wait_until(lambda: runs(m, "kept"))
        path = m.path(f"@@/audit/anchors/{size:020}.kept")
        self.assertEqual(read(path), b"kept\n")
        self.assertEqual(sorted(os.listdir(os.path.dirname(path))), [f"{size:020}.checkpoint", f"{size:020}.kept"])
        self.err_as(ONE, 13, lambda: read(path))
        self.err_as(ONE, 13, lambda: os.listdir(m.path("@@/audit/anchors")))
        with self.err(30):
            write(path, "x")

    def test_fsck_compares_what_was_kept(self):
        m = self.store()
        sh_anchor(m, "kept", "echo kept")
        m.mount()
        size = list(wait_until(lambda: anchors(m, "kept")))[0]
        m.umount()
        ward("fsck", m.store)
        file = f"{m.store}/audit/anchors/{size:020}.kept"
        write(file, "other")
        done = ward("fsck", m.store, check=False)
        self.assertEqual(done.returncode, 8)
        self.assertRegex(done.stdout, rf"{size:020}\.kept: isn't what the log says")
        os.remove(file)
        done = ward("fsck", m.store, check=False)
        self.assertEqual(done.returncode, 8)
        self.assertRegex(done.stdout, rf"{size:020}\.kept: No such file")

    def test_what_is_wrong_in_ward_toml_stops_the_mount(self):
        m = self.store()
        good = read(m.store + "/ward.toml")
        sh_anchor(m, "a", "true", every="soon")
        done = ward("mount", m.store, m.mnt, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"ward\.toml:\d+:9: not a length of time")
        write(m.store + "/ward.toml", good)
        sh_anchor(m, "a", "true")
        os.chmod(m.store + "/ward.toml", 0o666)
        done = ward("mount", m.store, m.mnt, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("others than the user who mounts can write", done.stderr)
        os.chmod(m.store + "/ward.toml", 0o600)
        m.mount()


class Authority(http.server.BaseHTTPRequestHandler):
    """A time stamp authority (RFC 3161) of openssl in `folder`, over HTTP."""
    folder = None

    def do_POST(self):
        write(self.folder + "/q", self.rfile.read(int(self.headers["Content-Length"])))
        sh("openssl ts -reply -config tsa.cnf -section a -queryfile q -signer tsa.pem -inkey tsa.key -out r 2>/dev/null", cwd=self.folder)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(read(self.folder + "/r"))

    def log_message(self, *words):
        pass


class TimeStamps(AnchorCase):
    def test_an_authority_stamps_what_verify_checks(self):
        m = self.store()
        folder = m.base + "/tsa"
        os.mkdir(folder)
        write(folder + "/tsa.cnf", "[a]\nserial = serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\n"
              "ess_cert_id_alg = sha256\n[e]\nextendedKeyUsage = critical,timeStamping\n")
        write(folder + "/serial", "01\n")
        sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null; "
           "openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa 2>/dev/null; "
           "openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile tsa.cnf -extensions e "
           "-out tsa.pem 2>/dev/null", cwd=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Authority,), {"folder": folder}))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close(), thread.join()))
        url = f"http://127.0.0.1:{server.server_address[1]}/tsr"
        add_anchor(m, "tsa", [REPOSITORY + "/scripts/anchor-timestamp", url])
        m.mount()
        wait_until(lambda: runs(m, "tsa"))
        self.assertEqual(runs(m, "tsa", outcome="failure"), [])
        copy = self.copy(m)
        stem = f"{copy}/anchors/{list(anchors(m, 'tsa'))[0]:020}"
        stamp = ("--checkpoint", stem + ".checkpoint", "--timestamp", stem + ".tsa", "--authorities", folder + "/ca.pem")
        out = self.verify(copy, "--key", m.vkey, *stamp).stdout
        self.assertRegex(out, r"stamped at 20\d\d-\d\d-\d\dT")
        write(stem + ".checkpoint", read(copy + "/checkpoint") + b"\n", "wb")
        self.assertNotEqual(ward("audit", "verify", copy, "--key", m.vkey, *stamp, check=False).returncode, 0)


if __name__ == "__main__":
    main()

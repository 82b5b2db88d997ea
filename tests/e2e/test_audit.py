# SPDX-License-Identifier: Apache-2.0
"""Exactly one line for each event, with exact ranges, served to ordinary tools.

Goal: the log tells who did what, completely and without repeats, to those who may read it. Method: one act of one process
each, then the whole set of new lines about the path is compared with what is due.
"""
import base64
import ctypes
import json
import mmap
import os
import subprocess
from errno import EACCES, EPERM

from cases import MountCase
from harness import main, read, require_new_fuse, sh, wait_until, ward, write
from people import ONE, TWO, require_people, run_as, uid
from policies import TEAM


KEEP_SIZE, PUNCH_HOLE = 1, 2


def fallocate(fd, mode, offset, length):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


class Lines(MountCase):
    def setUp(self):
        super().setUp()
        self.f = self.p("f")

    def new(self, act, path=None):
        """Lines about the path that act() adds, after every handle is closed: {action: [ward part]}, noise left out."""
        path = path or self.v(self.f)
        self.m.settle(path)
        last = self.m.records()[-1]["event"]["sequence"]
        act()
        lines = [r for r in self.m.settle(path) if r["event"]["sequence"] > last]
        found = {}
        for r in lines:
            self.assertEqual(r["event"]["outcome"], "success", r)
            found.setdefault(r["event"]["action"], []).append(r["ward"])
        self.lines = lines
        return found

    def count(self, found):
        return {action: len(parts) for action, parts in found.items()}

    def test_create_write_commit_close(self):
        def act():
            with open(self.f, "wb", buffering=0) as f:
                f.write(b"x" * 1000)
                f.write(b"y" * 500)
        found = self.new(act)
        due = {"create": 1, "write": 1, "commit": 1, "close": 1}
        self.assertEqual({a: n for a, n in self.count(found).items() if a != "finalise"}, due)
        self.assertEqual((found["write"][0]["ranges"], found["write"][0]["bytes"]), ([[0, 1500]], 1500))
        commit = found["commit"][0]
        self.assertEqual((commit["version"], commit["size"]), (1, 1500))
        self.assertEqual(commit["sha256"], os.getxattr(self.f, "user.ward.sha256").decode())
        for r in self.lines:
            self.assertEqual((r["user"]["id"], r["user"]["name"]), (os.geteuid(), "root" if os.geteuid() == 0 else r["user"]["name"]))
            if r["event"]["action"] in ("create", "commit"):
                self.assertIn("python3", r["process"]["executable"])
                self.assertEqual(r["process"]["pid"], os.getpid())
                self.assertIn("login", r["user"])

    def test_read_ranges_are_exact(self):
        write(self.f, bytes(1_000_000))

        def act():
            fd = os.open(self.f, os.O_RDONLY)
            os.pread(fd, 100, 5000)
            os.pread(fd, 100, 5100)
            os.pread(fd, 7, 999_990)
            os.pread(fd, 50, 999_990)  # only 10 bytes are left
            os.close(fd)
        found = self.new(act)
        self.assertEqual(self.count(found), {"open": 1, "read": 1, "close": 1})
        self.assertEqual(found["open"][0]["mode"], "r")
        self.assert_read(found["read"][0]["ranges"], [[5000, 200], [999_990, 10]])
        self.assertTrue(found["read"][0]["last"])
        self.assertEqual(found["read"][0]["handle"], found["open"][0]["handle"])
        self.assertEqual(found["read"][0]["version"], 1)

    def test_reading_again_from_the_page_cache_is_read_again(self):
        write(self.f, b"x" * 10_000)
        for _ in range(3):
            found = self.new(lambda: read(self.f))
            self.assertEqual(found["read"][0]["ranges"], [[0, 10_000]])

    def test_mapped_reads_are_pages(self):
        write(self.f, bytes(64 * 4096))

        def act():
            with open(self.f, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
                return m[10 * 4096]
        found = self.new(act)
        self.assertEqual((len(found["open"]), len(found["close"])), (1, 1))
        ranges = found["read"][0]["ranges"]
        self.assertTrue(any(at <= 10 * 4096 < at + n for at, n in ranges), ranges)

    def test_write_ranges_are_exact(self):
        write(self.f, bytes(100_000))

        def act():
            fd = os.open(self.f, os.O_WRONLY)
            os.pwrite(fd, b"ab", 50_000)
            os.pwrite(fd, b"cd", 50_002)
            os.pwrite(fd, b"e", 10)
            os.close(fd)
        found = self.new(act)
        self.assertEqual(found["write"][0]["ranges"], [[10, 1], [50_000, 4]])
        self.assertEqual(len(found["write"]), 1)
        self.assertEqual(found["write"][0]["draft"], found["open"][0]["draft"])

    def test_truncations_and_holes_are_writes(self):
        write(self.f, bytes(100_000))

        def act():
            fd = os.open(self.f, os.O_RDWR)
            os.ftruncate(fd, 60_000)
            fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 4096, 4096)
            os.close(fd)
        self.assertEqual(self.new(act)["write"][0]["ranges"], [[4096, 4096], [60_000, 40_000]])

    def test_a_truncation_by_path_is_recorded_whoever_else_writes(self):
        write(self.f, bytes(100))
        with open(self.f, "r+b", buffering=0) as f:
            f.write(b"x")
            found = self.m.records(action="open", path=self.v(self.f), mode="truncate")
            os.truncate(self.f, 50)
            self.assertEqual(len(self.m.records(action="open", path=self.v(self.f), mode="truncate")), len(found) + 1)

    def test_many_ranges_come_in_parts(self):
        require_new_fuse("a read of a byte as a read of a byte")
        write(self.f, bytes(3000 * 20))

        def act():
            fd = os.open(self.f, os.O_RDONLY)
            for i in range(3000):
                os.pread(fd, 1, i * 20)
            os.close(fd)
        found = self.new(act)
        parts = found["read"]
        self.assertEqual([p["part"] for p in parts], list(range(1, len(parts) + 1)))
        self.assertEqual([p["last"] for p in parts], [False] * (len(parts) - 1) + [True])
        self.assertEqual(sorted(r for p in parts for r in p["ranges"]), [[i * 20, 1] for i in range(3000)])

    def test_names_and_attributes(self):
        write(self.f, "x")
        one = lambda act, path=None: self.count(self.new(act, path))
        self.assertEqual(one(lambda: os.chmod(self.f, 0o600)), {"setattr": 1})
        self.assertEqual(one(lambda: os.utime(self.f, (1, 1))), {"setattr": 1})
        self.assertEqual(one(lambda: os.setxattr(self.f, "user.k", b"v")), {"setxattr": 1})
        self.assertEqual(one(lambda: os.removexattr(self.f, "user.k")), {"setxattr": 1})
        if os.geteuid() == 0:
            self.assertEqual(one(lambda: os.chown(self.f, 1, 1)), {"setattr": 1})
        self.assertEqual(one(lambda: os.rename(self.f, self.p("g"))), {"rename": 1})
        self.assertEqual(one(lambda: os.unlink(self.p("g")), self.v(self.p("g"))), {"delete": 1})
        for name, make in (("d", os.mkdir), ("l", lambda p: os.symlink("x", p)), ("p", os.mkfifo)):
            self.assertEqual(one(lambda: make(self.p(name)), self.v(self.p(name))), {"create": 1})
        self.assertEqual(one(lambda: os.rmdir(self.p("d")), self.v(self.p("d"))), {"delete": 1})
        write(self.f, "x")
        before = len(self.m.records(action="link"))
        os.link(self.f, self.p("h"))
        self.assertEqual(len(self.m.records(action="link")), before + 1)

    def test_listing_a_folder(self):
        found = self.new(lambda: os.listdir(self.d), self.v(self.d))
        self.assertEqual([p["mode"] for p in found["open"]], ["list"])

    def test_odd_names_are_whole(self):
        name = os.fsencode(self.d) + b"/n\xff\n\x1b[31m"
        write(name, "x")
        r = [r for r in self.m.records(action="create") if "path_b64" in r["file"]][-1]
        self.assertTrue(base64.b64decode(r["file"]["path_b64"]).endswith(b"n\xff\n\x1b[31m"))
        for line in b"".join(read(self.m.path("@@/audit", n)) for n in sorted(os.listdir(self.m.path("@@/audit")))
                             if n.endswith(".jsonl")).splitlines():
            self.assertNotIn(b"\x1b", line)
            json.loads(line)


class Access(MountCase):
    options = {"policy": TEAM}

    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()

    def test_only_those_with_the_audit_right(self):
        segment = next(n for n in os.listdir(self.m.path("@@/audit")) if n.endswith(".jsonl"))
        self.err_as(ONE, (EACCES, EPERM), lambda: open(self.m.path("@@/audit", segment)))
        seen = len(self.m.records())
        self.assertGreater(len(self.m.records()), seen)  # reading the log is an event
        self.assertTrue(run_as(TWO, lambda: read(self.m.path("@@/why"))))

    def test_key_and_checkpoint_are_files(self):
        self.assertIn(read(self.m.path("@@/audit/vkey")).decode().strip(), self.m.init_output)
        self.assertIn(b"\n\n\xe2\x80\x94 ", read(self.m.path("@@/audit/checkpoint")))  # a C2SP signed note

    def test_mount_and_policy_change_are_events(self):
        self.assertEqual(len(self.m.records(action="log-start")), 1)
        self.assertEqual(len(self.m.records(action="policy-change")), 1)
        self.assertEqual(len(self.m.records(action="mount")), 1)
        self.m.umount()
        self.assertEqual([r["ward"]["clean"] for r in self.m.records(action="unmount")], [True])
        self.m.mount()
        self.assertEqual([len(self.m.records(action=a)) for a in ("mount", "unmount")], [2, 1])

    def test_depth_open(self):
        os.makedirs(self.m.path("fast"), exist_ok=True)
        f = self.m.path("fast/f")
        write(f, bytes(100_000))
        self.assertEqual(len(read(f)), 100_000)
        actions = [r["event"]["action"] for r in self.m.settle("/fast/f")]
        self.assertEqual((actions.count("open"), actions.count("read"), actions.count("write")), (1, 0, 0))
        self.assertEqual(actions.count("close"), 2)

    def test_a_refusal_is_one_line(self):
        os.makedirs(self.m.path("secret"), exist_ok=True)
        write(self.m.path("secret/f"), "x")
        before = len(self.m.records(outcome="failure"))
        self.err_as(TWO, 13, lambda: open(self.m.path("secret/f")))
        lines = self.m.records(outcome="failure")[before:]
        self.assertEqual(len(lines), 1)
        r = lines[0]
        self.assertEqual((r["event"]["action"], r["user"]["id"], r["file"]["path"], r["ward"]["errno"], r["ward"]["rule"]),
                         ("open", uid(TWO), "/secret/f", "EACCES", "default-deny"))

    def test_tail_follows(self):
        os.makedirs(self.m.path("shared"), exist_ok=True)
        tail = subprocess.Popen(["bash", "-c", "exec tail -q -n 0 -f @@/audit/*.jsonl"], cwd=self.m.mnt, stdout=subprocess.PIPE)
        try:
            os.set_blocking(tail.stdout.fileno(), False)
            got, names = b"", iter(range(10**6))

            def line_arrived():
                nonlocal got
                write(self.m.path(f"shared/tail{next(names)}"), "x")
                got += tail.stdout.read() or b""
                return b"/shared/tail" in got
            wait_until(line_arrived, 15, "tail -f to show a new line")
            for line in got.split(b"\n")[:-1]:
                json.loads(line)
        finally:
            tail.terminate()
            tail.wait()
            tail.stdout.close()

    def test_jq_and_grep(self):
        os.makedirs(self.m.path("shared"), exist_ok=True)
        write(self.m.path("shared/q"), "x")
        out = sh("cat @@/audit/*.jsonl | jq -r 'select(.event.action==\"commit\") | .file.path'", cwd=self.m.mnt)
        self.assertIn("/shared/q", out.split())
        self.assertIn("/shared/q", sh("grep -h '\"action\":\"commit\",\"outcome\":\"success\"' @@/audit/*.jsonl", cwd=self.m.mnt))


class Offline(MountCase):
    def test_commands_without_a_mount_are_events(self):
        """Checking and rebuilding a store is recorded in it; checking a copy, or a store in use, changes nothing there."""
        self.m.umount()
        vkey = read(self.m.store + "/audit/vkey").decode().strip()
        ward("audit", "verify", self.m.store, "--key", vkey)
        ward("audit", "verify", self.m.store, check=False)
        ward("fsck", self.m.store)
        ward("rebuild", self.m.store)
        ward("audit", "verify", self.m.store + "/audit", "--key", vkey)
        lines = self.m.records(action="maintenance")
        self.assertEqual([(r["ward"]["command"], r["ward"]["result"], r["user"]["id"]) for r in lines],
                         [("audit verify", "verified", 0), ("audit verify", "self-consistent", 0), ("fsck", "sound", 0),
                          ("rebuild", "begun", 0)])
        self.assertNotIn("behind the log", ward("fsck", self.m.store).stdout)
        self.m.mount()
        done = ward("audit", "verify", self.m.store, "--key", vkey)
        self.assertIn("isn't recorded: the store is in use", done.stdout)


if __name__ == "__main__":
    main()

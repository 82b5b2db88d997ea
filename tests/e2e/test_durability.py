# SPDX-License-Identifier: Apache-2.0
"""Where the policy asks for durability "disk", no answer comes before its record is on the disk, and the bytes of a save.

Goal: a power cut takes back nothing that was answered on such a path; other paths don't pay for it. Method: after each operation
@@/status says how many records the disk has, compared with the numbers of the operation's records; the daemon's system calls are
counted beside it.
"""
import os
import signal
import subprocess

from cases import Case
from harness import Mount, main, read, require_new_fuse, write
from people import ONE, require_people, run_as
from policies import OPEN

POLICY = OPEN + """
[[forbid]]
name = "closed"
who = ["everyone"]
may = ["delete"]
where = ["/ledger/kept"]
[[audit]]
where = ["/ledger/**"]
depth = "ranges"
durability = "disk"
"""


class Durable(Case):
    def setUp(self):
        self.m = Mount(policy=POLICY)
        self.addCleanup(self.m.cleanup)
        for folder in ("ledger", "plain"):
            os.mkdir(self.m.path(folder))
            os.chmod(self.m.path(folder), 0o777)

    def unsynced(self, path, act):
        """Records about the path that weren't on the disk when act() returned."""
        before = int(self.m.status()["records"])
        act()
        synced = int(self.m.status()["synced"])
        mine = [r["event"]["sequence"] for r in self.m.records(path=path) if r["event"]["sequence"] >= before]
        self.assertTrue(mine, "the act was recorded")
        # What the kernel's RELEASE adds is recorded when the close was answered already.
        return [s for s in mine if s >= synced and self.name(s) not in ("close", "finalise")]

    def name(self, sequence):
        return self.m.records(sequence=sequence)[0]["event"]["action"]

    def acts(self, folder):
        f = self.m.path(folder, "f")
        yield "/f", lambda: write(f, os.urandom(100_000))
        yield "/f", lambda: read(f)
        yield "/f", lambda: os.chmod(f, 0o600)
        yield "/f", lambda: os.setxattr(f, "user.k", b"v")
        yield "/f", lambda: os.truncate(f, 5)
        yield "/f", lambda: os.rename(f, f + "2")
        yield "/f2", lambda: os.unlink(f + "2")
        yield "/d", lambda: os.mkdir(self.m.path(folder, "d"))

    def test_every_answer_waits_for_the_disk(self):
        for i in range(3):
            for path, act in self.acts("ledger"):
                self.assertEqual(self.unsynced("/ledger" + path, act), [])
            os.rmdir(self.m.path("ledger/d"))

    def test_other_paths_do_not_wait(self):
        late = sum(len(self.unsynced("/plain" + path, act)) for _ in range(3) for path, act in self.acts("plain")
                   if not os.path.exists(self.m.path("plain/d")) or path != "/d")
        self.assertGreater(late, 3)

    def test_refusals_too(self):
        require_people()
        write(self.m.path("ledger/kept"), "x")

        def act():
            self.err_as(ONE, (1, 13), lambda: os.unlink(self.m.path("ledger/kept")))
        self.assertEqual(self.unsynced("/ledger/kept", act), [])

    def test_reads_are_recorded_one_by_one_before_their_bytes_leave(self):
        require_new_fuse("a read as it was asked for")
        write(self.m.path("ledger/f"), bytes(100_000))
        with open(self.m.path("ledger/f"), "rb", buffering=0) as f:
            for i in range(5):
                os.pread(f.fileno(), 10, 1000 * i)
                synced = int(self.m.status()["synced"])
                ranges = [r["ward"]["ranges"] for r in self.m.records(action="read", path="/ledger/f") if r["event"]["sequence"] < synced]
                self.assertEqual(ranges, [[[1000 * j, 10]] for j in range(i + 1)])

    def test_the_bytes_of_a_save_are_synced_before_its_record(self):
        trace = self.m.base + "/trace"
        tracer = subprocess.Popen(["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", trace, "-p", str(self.m.pid)],
                                  stderr=subprocess.PIPE)
        try:
            tracer.stderr.readline()  # attached
            write(self.m.path("ledger/f"), b"precious")
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            tracer.stderr.close()
        sha = os.getxattr(self.m.path("ledger/f"), "user.ward.sha256").decode()
        lines = read(trace).decode().splitlines()
        objects = [i for i, line in enumerate(lines) if sha in line and "fsync" in line]
        logs = [i for i, line in enumerate(lines) if ".jsonl" in line]
        self.assertTrue(objects and logs and objects[0] < logs[-1], lines)


if __name__ == "__main__":
    main()

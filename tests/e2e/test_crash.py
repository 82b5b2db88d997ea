# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment loses nothing that was acknowledged and shows nothing half-written.

Goal: rule 8, and the log as the one truth. Method: several processes save, rename and delete while the daemon is killed at a
random moment; after a remount, after deleting catalog.db and after `ward rebuild` the mount must equal a replay of what the
writers had been told was done (plus, at most, the one act each had begun). WARD_CRASH_ROUNDS sets the number of kills.
"""
import errno as e
import glob
import hashlib
import os
import random
import signal
import subprocess
import sys
import time

from cases import Case
from harness import Mount, alive, main, read, versions, wait_until, ward, write

WRITERS = 4
ROUNDS = int(os.environ.get("WARD_CRASH_ROUNDS", "6"))
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crash_writer.py")


def content(head, length):
    return (head + "x" * (int(length) - len(head))).encode()


def apply(state, words):
    """The state after one act."""
    act, name, other, head, length = words
    state = dict(state)
    if act in ("save", "over"):
        state[name] = content(head, length)
    elif act == "rename":
        state[other] = state.pop(name)
    else:
        del state[name]
    return state


class Notes:
    """What one writer was told: `state` after the last acknowledged act, the act in flight, and every content it saved."""

    def __init__(self, start):
        self.state, self.flight, self.saved, self.error, self.acts = dict(start), None, [], None, 0

    def read(self, path):
        for line in read(path).decode().splitlines():
            if line.startswith("begin "):
                self.flight = line.split()[1:]
            elif line == "done":
                self.state, self.acts = apply(self.state, self.flight), self.acts + 1
                if self.flight[0] in ("save", "over"):
                    self.saved.append(content(*self.flight[3:]))
                self.flight = None
            else:
                self.error = int(line.split()[1])

    def allowed(self):
        """Every state that may be seen after the crash."""
        yield self.state
        if self.flight:
            after = apply(self.state, self.flight)
            yield after
            act, name = self.flight[:2]
            if act == "save" and name not in self.state:
                yield {**self.state, name: b""}  # the name was made, its first save wasn't finished


class Crash(Case):
    @classmethod
    def setUpClass(cls):
        cls.m = Mount()
        cls.addClassCleanup(cls.m.cleanup)
        cls.rng = random.Random(time.time_ns())
        cls.states, cls.saved = [{} for _ in range(WRITERS)], []
        for w in range(WRITERS):
            os.mkdir(cls.m.path(f"w{w}"))

    def look(self, w):
        folder = self.m.path(f"w{w}")
        return {n: read(os.path.join(folder, n)) for n in os.listdir(folder) if not n.endswith(".tmp")}

    def storm(self, seed):
        """Runs the writers until the daemon is killed; returns their notes."""
        paths = [f"{self.m.base}/notes.{seed}.{w}" for w in range(WRITERS)]
        writers = [subprocess.Popen([sys.executable, "-B", SCRIPT, self.m.path(f"w{w}"), paths[w], str(seed * 10 + w)])
                   for w in range(WRITERS)]
        wait_until(lambda: all(read(p).count(b"done") > 3 for p in paths) or not alive(self.m.pid), 30, "every writer's work")
        time.sleep(self.rng.uniform(0, 0.5))  # the moment of the kill is the random input of this test
        self.assertTrue(alive(self.m.pid), "it ended alone: " + read(self.m.store + "/daemon.log").decode()[-2000:])
        self.m.kill9(detach=False)
        for writer in writers:
            writer.wait(60)
        self.m.detach()
        notes = [Notes(self.states[w]) for w in range(WRITERS)]
        for n, path in zip(notes, paths):
            n.read(path)
            self.assertGreater(n.acts, 3)
        return notes

    def check(self, notes):
        for w, n in enumerate(notes):
            seen = self.look(w)
            allowed = list(n.allowed())
            short = [{k: (v[:30], len(v)) for k, v in s.items()} for s in (seen, *allowed)]
            self.assertIn(seen, allowed, f"writer {w}, in flight {n.flight}: seen {short[0]}, allowed {short[1:]}")
            self.states[w] = seen
            self.saved += n.saved + [data for data in seen.values() if data]

    def everything_is_there(self):
        """Files as last seen, each acknowledged save in the log, its object whole, versions readable."""
        # b"" too: a name whose first save the kill interrupted is an empty file, which may then be moved over another.
        known = {b"", *self.saved, *(data for state in self.states for data in state.values())}
        for w in range(WRITERS):
            self.assertEqual(self.look(w), self.states[w])
            for name in self.states[w]:
                path = self.m.path(f"w{w}", name)
                if versions(path):
                    for v in os.listdir(path + "@@/versions"):
                        self.assertIn(read(f"{path}@@/versions/{v}"), known)
        committed = set()
        for r in self.m.records():
            part = r["ward"].get("saved") or r["ward"]
            if r["event"]["outcome"] == "success" and r["event"]["action"] in ("commit", "rename", "save-unchanged"):
                committed.add(part.get("sha256"))
        for data in self.saved:
            self.assertIn(hashlib.sha256(data).hexdigest(), committed)

    def objects_are_named_by_their_bytes(self):
        files = glob.glob(self.m.store + "/history.git/lfs/objects/*/*/*")
        self.assertTrue(files)
        done = subprocess.run(["xargs", "-0", "sha256sum"], input="\0".join(files), capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            digest, path = line.split()
            self.assertEqual(os.path.basename(path), digest)
            self.assertEqual(os.stat(path).st_mode & 0o222, 0)
        return {os.path.basename(f) for f in files}

    def test_kills(self):
        for seed in range(1, ROUNDS + 1):  # one that fails ends the test: what comes after it would prove nothing
            notes = self.storm(seed)
            self.m.mount()
            self.check(notes)
            for n in notes:
                self.assertIn(n.error, (e.ENOTCONN, e.ECONNABORTED, e.EIO), "only the kill may stop a writer")
        self.everything_is_there()
        self.m.umount()
        self.assertRegex(ward("fsck", self.m.store).stdout, "(?i)ok")
        objects = self.objects_are_named_by_their_bytes()
        for data in self.saved:
            if data:
                self.assertIn(hashlib.sha256(data).hexdigest(), objects)

        for f in glob.glob(self.m.store + "/catalog.db*"):
            os.unlink(f)
        self.m.mount()  # the log is enough
        self.everything_is_there()
        self.m.umount()
        ward("rebuild", self.m.store)
        ward("fsck", self.m.store)
        vkey = read(self.m.store + "/audit/vkey").decode().strip() if os.path.exists(self.m.store + "/audit/vkey") else None
        if vkey:
            ward("audit", "verify", self.m.store, "--key", vkey)
        self.m.mount()
        self.everything_is_there()


class Reads(Case):
    def test_ranges_read_before_a_kill_are_in_the_log(self):
        """What was read is in a slot before its bytes leave, so kill -9 can't hide a read."""
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), bytes(100_000))
        m.settle("/f")
        fd = os.open(m.path("f"), os.O_RDONLY)
        os.pread(fd, 10, 5000)
        os.pread(fd, 10, 90_000)
        m.kill9()
        try:
            os.close(fd)
        except OSError:
            pass
        m.mount()
        ranges = [x for r in m.records(action="read", path="/f") for x in r["ward"]["ranges"]]
        self.assert_read(ranges, [[5000, 10], [90_000, 10]])

    def test_a_draft_open_at_the_kill(self):
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), "finished")
        fd = os.open(m.path("f"), os.O_WRONLY | os.O_TRUNC)
        os.write(fd, b"half")
        m.kill9()
        with self.err(e.ENOTCONN, e.ECONNABORTED, e.EIO):
            os.write(fd, b"more")
        try:
            os.close(fd)
        except OSError:
            pass
        m.mount()
        self.assertEqual((read(m.path("f")), versions(m.path("f"))), (b"finished", 1))
        self.assertTrue(os.listdir(m.path("@@/drafts")))

    def test_a_synced_draft_is_sealed_by_recovery(self):
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), "finished")
        fd = os.open(m.path("f"), os.O_WRONLY | os.O_TRUNC)
        os.write(fd, b"synced")
        os.fsync(fd)
        m.kill9()
        try:
            os.close(fd)
        except OSError:
            pass
        m.mount()
        self.assertEqual((read(m.path("f")), versions(m.path("f"))), (b"synced", 2))
        self.assertTrue(m.records(action="commit", recovered=True))

    def test_a_clean_signal_unmounts_cleanly(self):
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), "x")
        os.kill(m.pid, signal.SIGTERM)
        m.gone()
        self.assertFalse(m.mounted())
        self.assertEqual([r["ward"]["clean"] for r in m.records(action="unmount")], [True])
        m.mount()
        self.assertEqual(read(m.path("f")), b"x")


if __name__ == "__main__":
    main()

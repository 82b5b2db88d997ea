# SPDX-License-Identifier: Apache-2.0
"""What a power cut leaves is mended at the next start: nothing that was durable is missing, nothing half-durable is served.

Goal: rules 3 and 4 of the log. Method: the daemon is killed and its files are changed to what a disk may hold after a cut:
objects without their bytes, a log that ends earlier or in the middle of a line, a catalog that is ahead of it or torn, slots of
nonsense. The store must mount, say what it mended, and pass fsck.
"""
import glob
import os
import random

from cases import Case
from harness import Mount, main, read, versions, wait_until, ward, write


class PowerCut(Case):
    def setUp(self):
        self.m = Mount()
        self.addCleanup(self.m.cleanup)
        write(self.m.path("f"), "durable")
        self.synced()

    def synced(self):
        """Waits until all of now is durable and signed."""
        last = len(self.m.records())
        wait_until(lambda: int(self.m.status()["synced"]) >= last and self.covered() >= last, 20, "a checkpoint")

    def covered(self):
        return int(read(self.m.store + "/audit/checkpoint").split(b"\n")[1])

    def save_unsigned(self):
        """A save that no checkpoint covers yet; the daemon is dead then."""
        for attempt in range(50):
            write(self.m.path("f"), f"lost {attempt}")
            self.m.kill9()
            commit = [r for r in self.m.records(action="commit", path="/f")][-1]
            if self.covered() <= commit["event"]["sequence"]:
                return commit["ward"]
            self.m.mount()
        self.fail("the checkpoint was always faster")

    def object(self, digest):
        return f"{self.m.store}/history.git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}"

    def segment(self):
        return sorted(f for f in glob.glob(self.m.store + "/audit/*.jsonl") if os.path.getsize(f))[-1]

    def mounts_and_is_whole(self):
        self.m.mount()
        self.m.umount()
        self.assertRegex(ward("fsck", self.m.store).stdout, "(?m)^ok")
        self.m.mount()

    def test_an_object_whose_bytes_never_reached_the_disk(self):
        for damage in ("empty", "short", "missing"):
            with self.subTest(damage):
                lost = self.save_unsigned()
                path = self.object(lost["sha256"])
                os.chmod(path, 0o600)
                if damage == "missing":
                    os.unlink(path)
                else:
                    os.truncate(path, 0 if damage == "empty" else 2)
                self.m.mount()
                lines = self.m.records(action="version-lost", path="/f")
                self.assertEqual([(r["ward"]["version"], r["ward"]["fallback"]) for r in lines][-1],
                                 (lost["version"], versions(self.m.path("f"))))
                self.assertNotIn(b"lost 0", read(self.m.path("f")) if damage == "empty" else b"")
                write(self.m.path("f"), "saved again " + damage)
                self.assertEqual(read(self.m.path("f")), b"saved again " + damage.encode())
                self.synced()

    def test_a_log_that_ends_at_the_last_sync(self):
        """Also in the middle of a line; the catalog knows more than the log then."""
        for torn in (0, 40):
            with self.subTest(torn=torn):
                lost = self.save_unsigned()
                covered, segment = self.covered(), self.segment()
                lines = read(segment).split(b"\n")
                write(segment, b"\n".join(lines[:covered]) + b"\n" + lines[covered][:torn])
                self.m.mount()
                self.assertLess(versions(self.m.path("f")), lost["version"])
                self.assertEqual([r["ward"]["cut_bytes"] for r in self.m.records(action="recover")][-1:] if torn else [40], [40])
                write(self.m.path("f"), f"after {torn}")
                self.assertEqual(read(self.m.path("f")), f"after {torn}".encode())
                self.synced()
        self.m.umount()
        ward("audit", "verify", self.m.store, "--key", read(self.m.store + "/audit/vkey").decode().strip())
        self.mounts_and_is_whole()

    def test_a_catalog_that_is_torn_anywhere(self):
        """It is a projection: whatever is left of it, the log makes it again, and no byte of it can crash the start."""
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        for i in range(30):
            write(self.m.path(f"file{i}"), f"{i}")
        expected = {n: read(self.m.path(n)) for n in os.listdir(self.m.mnt)}
        for attempt in range(12):
            with self.subTest(attempt=attempt, seed=seed):
                self.m.umount()
                for path in glob.glob(self.m.store + "/catalog.db*"):
                    data = bytearray(read(path))
                    if attempt % 3 == 0:
                        data = data[:rng.randrange(len(data) + 1)]
                    for _ in range(rng.randrange(1, 40)):
                        if data:
                            at = rng.randrange(len(data))
                            data[at:at + rng.randrange(1, 4096)] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 64)))
                    write(path, bytes(data))
                done = ward("mount", self.m.store, self.m.mnt, check=False)
                if done.returncode != 0:  # it says so, and what to do
                    self.assertEqual(done.returncode, 8, done.stderr)
                    self.assertIn("rebuild", done.stderr)
                    ward("rebuild", self.m.store)
                    self.m.mount()
                self.m.pid = int(self.m.status()["pid"])
                try:
                    seen = {n: read(self.m.path(n)) for n in os.listdir(self.m.mnt)}
                except OSError:  # a page that the start didn't look at: rebuilding mends it
                    seen = None
                if seen != expected:
                    self.m.kill9()
                    ward("rebuild", self.m.store)
                    self.m.mount()
                    self.assertEqual({n: read(self.m.path(n)) for n in os.listdir(self.m.mnt)}, expected)

    def test_slots_of_nonsense(self):
        self.m.kill9()
        size = os.path.getsize(self.m.store + "/slots")
        for image in (os.urandom(size), b"\xff" * size, os.urandom(5000), b""):
            write(self.m.store + "/slots", image)
            self.m.mount()
            self.assertEqual(read(self.m.path("f")), b"durable")
            self.m.kill9()
        self.mounts_and_is_whole()

    def test_everything_at_once(self):
        lost = self.save_unsigned()
        os.chmod(self.object(lost["sha256"]), 0o600)
        os.truncate(self.object(lost["sha256"]), 0)
        segment = self.segment()
        with open(segment, "ab") as f:
            f.write(b'{"@timestamp":"2026')
        for f in glob.glob(self.m.store + "/catalog.db*"):
            os.truncate(f, os.path.getsize(f) // 2)
        write(self.m.store + "/slots", os.urandom(1 << 20))
        self.m.mount()
        self.assertEqual(versions(self.m.path("f")), lost["version"] - 1)
        self.m.umount()
        self.assertRegex(ward("fsck", self.m.store).stdout, "(?m)^ok")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The log is kept small and stays whole: segments roll, are compressed, and go when policy says so.

Goal: to those who read it the log is the same text before and after; what was pruned can still be proved; the store can be made
anew without it; only a record of the log itself allows lines to be missing. Method: policies that roll after a second and prune
after two, real mounts, then the offline tools and a verifier that isn't ours.
"""
import glob
import os
import re
import shutil
import subprocess

import tlog
from cases import Case
from harness import WARD, Mount, main, read, sh, wait_until, ward, write
from people import ONE, Person, require_people, uid
from policies import OPEN

ROLLING = OPEN + '\n[log]\nroll = "1s"\n'
PRUNING = OPEN + '\n[log]\nroll = "1s"\nkeep = "1s"\nprune_after = "2s"\n'


class Keeping(Case):
    def mount(self, policy):
        m = Mount(policy=policy)
        self.addCleanup(m.cleanup)
        return m

    def files(self, m, folder="audit"):
        return sorted(n for n in os.listdir(os.path.join(m.store, folder)) if re.fullmatch(r"\d{20}\.jsonl(\.zst)?", n))

    def roll(self, m, name):
        """Saves until a save of `name` stands in a new segment."""
        before = len(self.files(m))

        def rolled():
            write(m.path(name), os.urandom(8).hex())
            return len(self.files(m)) > before
        wait_until(rolled, 30, "a new segment")

    def text(self, m):
        folder = m.path("@@/audit")
        return b"".join(read(os.path.join(folder, n)) for n in sorted(os.listdir(folder)) if n.endswith(".jsonl"))

    def prune(self, m):
        """Mounted anew, the daemon looks at once."""
        m.remount()
        return wait_until(lambda: m.records(action="prune"), 30, "a prune record")[-1]["ward"]

    def test_segments_roll_by_time_and_are_compressed(self):
        m = self.mount(policy=ROLLING)
        self.roll(m, "a")
        self.roll(m, "b")
        before = self.text(m)
        listed = [n for n in os.listdir(m.path("@@/audit")) if n.endswith(".jsonl")]
        sizes = {n: os.stat(m.path("@@/audit", n)).st_size for n in listed}
        m.remount()
        first = f"{0:020}.jsonl"
        wait_until(lambda: first + ".zst" in self.files(m) and first not in self.files(m), 30, "compression")
        self.assertTrue(self.text(m).startswith(before))
        self.assertIn(first, os.listdir(m.path("@@/audit")))
        self.assertEqual(os.stat(m.path("@@/audit", first)).st_size, sizes[first])
        with self.err(2):
            read(m.path("@@/audit", first + ".zst"))
        self.assertEqual(sh(f"zstd -dc {m.store}/audit/{first}.zst").encode(), read(m.path("@@/audit", first)))
        sequences = [r["event"]["sequence"] for r in m.records()]
        self.assertEqual(sequences, list(range(len(sequences))))
        self.assertTrue(m.records(action="commit", path="/a"))
        self.assertIn(b'"path":"/a"', read(m.path("a@@/audit.jsonl")))
        copy = m.base + "/copy"
        sh(f"cp -r '{m.path('@@/audit')}' {copy}")
        tlog.check_log(copy, m.vkey)
        ward("audit", "verify", copy, "--key", m.vkey)
        m.umount()
        ward("audit", "verify", m.store, "--key", m.vkey)
        ward("fsck", m.store)

    def test_a_report_that_is_read_while_its_lines_go_tells_the_rest(self):
        m = self.mount(policy=PRUNING)
        for _ in range(4):
            self.roll(m, "x")
        listed = self.files(m)
        with open(m.path("x@@/audit.jsonl"), "rb", buffering=0) as report:
            begun = report.read(1)

            def gone():  # the daemon looks again when there is something to look at
                for i in range(300):
                    os.setxattr(m.path("x"), "user.note", str(i).encode())
                return listed[2] not in self.files(m) and listed[2] + ".zst" not in self.files(m)
            wait_until(gone, 60, "pruning")
            os.setxattr(m.path("x"), "user.last", b"v")
            for _ in "what was there", "what came since":
                while piece := report.read(1 << 20):
                    begun += piece
        self.assertTrue(b'"user.last"' in begun, "its end")
        self.assertTrue(begun.startswith(b'{"@timestamp"'), "its beginning")

    @classmethod
    def make_pruned(cls):
        """A store whose first lines are gone, and what was kept of before; each test works on a copy."""
        m = cls.origin = Mount(policy=PRUNING)
        cls.addClassCleanup(m.cleanup)
        self = cls()
        write(m.path("old"), "old bytes")
        os.mkdir(m.path("folder"))
        os.setxattr(m.path("old"), "user.note", b"kept")
        self.roll(m, "x")
        write(m.base + "/proof", read(m.path("old@@/versions/1.proof")))
        write(m.base + "/checkpoint", read(m.path("@@/audit/checkpoint")))
        self.roll(m, "x")
        self.roll(m, "x")
        cls.prune_record = self.prune(m)
        wait_until(lambda: self.files(m)[0] >= f"{cls.prune_record['before']:020}", 30, "segments to go")
        m.umount()

    def pruned(self):
        """A copy of it, mounted."""
        if not hasattr(Keeping, "origin"):
            Keeping.make_pruned()
        m = Mount(mount=False)
        self.addCleanup(m.cleanup)
        shutil.rmtree(m.store)
        sh(f"cp -a {self.origin.store} {m.store}")
        m.vkey, m.prune = self.origin.vkey, self.prune_record
        m.kept = {"proof": self.origin.base + "/proof", "checkpoint": self.origin.base + "/checkpoint"}
        m.mount()
        return m

    def test_what_was_pruned_is_still_proved(self):
        m = self.pruned()
        self.assertGreater(m.prune["before"], 0)
        self.assertGreater(m.records()[0]["event"]["sequence"], 0)
        self.assertEqual(read(m.path("old")), b"old bytes")
        self.assertEqual(read(m.path("old@@/versions/1")), b"old bytes")
        self.assertIn(b"v1", read(m.path("old@@/history")))
        tlog.check_proof(read(m.kept["proof"]).decode(), m.vkey)
        index, line = tlog.check_proof(read(m.kept["proof"]).decode(), m.vkey)
        now = read(m.path("old@@/versions/1.proof")).decode()  # the line is gone, the proof isn't
        self.assertNotIn("extra", now)
        self.assertEqual(tlog.check_proof(now, m.vkey, line)[0], index)
        write(m.base + "/now", now)
        write(m.base + "/line", line)
        ward("audit", "verify", "--proof", m.base + "/now", "--line", m.base + "/line", "--key", m.vkey)
        copy = m.base + "/copy"
        sh(f"cp -r '{m.path('@@/audit')}' {copy}")
        done = ward("audit", "verify", copy, "--key", m.vkey, "--checkpoint", m.kept["checkpoint"])
        self.assertIn("were pruned", done.stdout)
        self.assertEqual(ward("audit", "verify", copy, check=False).returncode, 11)
        done = ward("audit", "verify", copy, "--key", m.vkey, "--range", "0-3", check=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("isn't in", done.stderr)

    def test_lines_that_no_record_released_are_missed(self):
        m = self.pruned()
        self.roll(m, "x")
        m.umount()
        copy = m.base + "/copy"
        shutil.copytree(m.store + "/audit", copy)
        names = sorted(n for n in os.listdir(copy) if ".jsonl" in n)
        os.remove(os.path.join(copy, names[0]))
        done = ward("audit", "verify", copy, "--key", m.vkey, check=False)
        self.assertEqual(done.returncode, 12)
        self.assertIn("no record says that they were pruned", done.stderr)

    def test_a_changed_hash_of_a_pruned_line_is_found(self):
        m = self.pruned()
        m.umount()
        tile = m.store + "/audit/tile/0/000"
        partial = sorted(os.listdir(tile + ".p"), key=int)[-1] if not os.path.exists(tile) else None
        path = f"{tile}.p/{partial}" if partial else tile
        data = bytearray(read(path))
        data[40] ^= 1
        os.chmod(path, 0o600)
        write(path, bytes(data))
        done = ward("audit", "verify", m.store, "--key", m.vkey, check=False)
        self.assertEqual(done.returncode, 12, done)

    def test_the_catalog_is_made_anew_from_the_snapshot(self):
        m = self.pruned()
        listing = sh("ls -lR --time-style=full-iso", cwd=m.mnt)
        m.umount()
        ward("fsck", m.store)
        ward("rebuild", m.store)
        ward("fsck", m.store)
        for name in os.listdir(m.store):
            if name.startswith("catalog.db"):
                os.remove(os.path.join(m.store, name))
        m.mount()
        self.assertEqual(sh("ls -lR --time-style=full-iso", cwd=m.mnt), listing)
        self.assertEqual(os.getxattr(m.path("old"), "user.note"), b"kept")
        self.assertEqual(read(m.path("old@@/versions/1")), b"old bytes")
        write(m.path("old"), "more")
        self.assertEqual(read(m.path("old@@/versions/2")), b"more")

    def test_a_damaged_or_missing_snapshot_is_told(self):
        m = self.pruned()
        m.umount()
        snapshots = m.store + "/snapshots"
        name = os.path.join(snapshots, sorted(os.listdir(snapshots))[-1])
        sound = read(name)
        os.rename(m.store + "/catalog.db", m.base + "/catalog.db")
        for damage in (None, sound[:len(sound) // 2], sound[:30] + bytes([sound[30] ^ 4]) + sound[31:]):
            if damage is None:
                os.remove(name)
            else:
                write(name, damage)
            done = ward("mount", m.store, m.mnt, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(os.path.basename(name), done.stderr)
            self.assertNotEqual(ward("fsck", m.store, check=False).returncode, 0)
        write(name, sound)
        m.mount()

    def test_it_is_pruned_again_from_the_snapshot_on(self):
        m = self.pruned()
        before = m.prune["before"]
        self.roll(m, "x")
        self.roll(m, "x")
        m.remount()
        again = wait_until(lambda: [r for r in m.records(action="prune") if r["ward"]["before"] > before], 30, "a later one")
        wait_until(lambda: self.files(m)[0] >= f"{again[-1]['ward']['before']:020}", 30, "segments to go")
        self.assertEqual(len(os.listdir(m.store + "/snapshots")), 1)
        m.umount()
        ward("audit", "verify", m.store, "--key", m.vkey)
        ward("fsck", m.store)
        ward("rebuild", m.store)
        m.mount()
        self.assertEqual(read(m.path("old")), b"old bytes")

    def test_a_crash_before_the_segments_go(self):
        m = self.pruned()
        self.roll(m, "x")
        self.roll(m, "x")
        gone = {n: read(os.path.join(m.store, "audit", n)) for n in self.files(m)[:1]}
        before = m.prune["before"]
        m.remount()
        wait_until(lambda: [r for r in m.records(action="prune") if r["ward"]["before"] > before], 30, "a later one")
        wait_until(lambda: self.files(m)[0] not in gone, 30, "segments to go")
        m.kill9()
        for name, data in gone.items():  # as if the kill had come before
            write(os.path.join(m.store, "audit", name), data)
        snapshots = m.store + "/snapshots"
        self.assertTrue(os.listdir(snapshots))
        m.mount()
        self.assertEqual(read(m.path("old")), b"old bytes")

    def test_who_goes_on_reading_is_known_though_the_open_was_pruned(self):
        require_people()
        m = self.mount(policy=OPEN)
        write(m.path("long"), bytes(4 << 20))
        os.chmod(m.path("long"), 0o644)
        with Person(ONE) as reader:
            reader("fd = os.open(f, 0); os.pread(fd, 10, 100)", f=m.path("long"))
            opened = m.records(action="open", path="/long", uid=uid(ONE))[-1]
            write(m.path("@@/policy.toml"), PRUNING)

            def pruned():
                for _ in range(1100):  # the daemon looks after so many
                    os.listdir(m.mnt)
                write(m.path("x"), os.urandom(8).hex())
                return self.files(m)[0] > f"{opened['event']['sequence']:020}"
            wait_until(pruned, 60, "its open to be pruned")
            reader("os.pread(fd, 20, 3 << 20)")
            m.kill9()
        m.mount()
        last = m.records(action="read", handle=opened["ward"]["handle"])[-1]
        self.assertTrue([at for at, n in last["ward"]["ranges"] if at <= 3 << 20 < at + n], last)  # or the page around it
        for key in ("user", "process", "file"):
            self.assertEqual(last[key], opened[key])
        self.assertFalse(os.path.exists(m.store + "/opens"))

    def test_killed_while_the_segments_go(self):
        m = self.mount(policy=PRUNING)
        write(m.path("old"), "old bytes")
        for _ in range(4):
            self.roll(m, "x")
        m.umount()
        for first in [n.removesuffix(".zst") for n in self.files(m)][:2]:
            trace = ["strace", "-f", "-o", "/dev/null", "-P", f"{m.store}/audit/{first}.zst", "-e", "trace=unlink,unlinkat",
                     "-e", "inject=unlink,unlinkat:signal=KILL:when=1", WARD, "mount", m.store, m.mnt]
            no_leaks = {"ASAN_OPTIONS": m.env["ASAN_OPTIONS"] + ":detect_leaks=0"}  # impossible when traced
            subprocess.run(trace, capture_output=True, timeout=120, env={**m.env, **no_leaks})  # ends with the daemon
            m.detach()
            pruned = m.records(action="prune")[-1]
            self.assertGreater(f"{pruned['ward']['before']:020}.jsonl", first)
            covered = int(read(m.store + "/audit/checkpoint").split(b"\n")[1])
            self.assertGreater(covered, pruned["event"]["sequence"])
            ward("audit", "verify", m.store, "--key", m.vkey)
            ward("fsck", m.store)
        for name in glob.glob(m.store + "/catalog.db*"):
            os.remove(name)
        m.mount()
        self.assertEqual(read(m.path("old")), b"old bytes")
        self.assertEqual(read(m.path("old@@/versions/1")), b"old bytes")
        wait_until(lambda: self.files(m)[0] >= f"{m.records(action='prune')[-1]['ward']['before']:020}", 30, "segments to go")

    def test_what_git_history_lacks_is_kept(self):
        m = self.mount(policy=PRUNING)
        lock = m.store + "/history.git/refs/heads/main.lock"  # a start would remove it
        write(lock, "")
        write(m.path("old"), "old bytes")
        for _ in range(3):
            self.roll(m, "x")
        first = f"{0:020}.jsonl.zst"

        def kept():
            for i in range(20):  # the keeper looks after 1,024 records
                write(m.path("y"), str(i))
            return first in self.files(m) or m.records(action="prune")
        wait_until(kept, 60, "the keeper")
        self.roll(m, "x")  # it compresses first and then prunes
        self.assertEqual(m.records(action="prune"), [])
        self.assertIn(first, self.files(m))
        os.remove(lock)
        wait_until(lambda: "old" in sh(f"git -C {m.store}/history.git ls-tree --name-only main").split(), 60, "publishing")

    def test_paths_too_long_for_a_record_read_the_same_after_a_replay(self):
        m = self.mount(policy=OPEN)
        folder = os.open(m.mnt, os.O_RDONLY | os.O_DIRECTORY)
        for _ in range(6):  # each byte takes six in a record
            os.mkdir(255 * "\1", dir_fd=folder)
            parent, folder = folder, os.open(255 * "\1", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
            os.close(parent)
        for name in ("a", "b"):
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=folder))
        os.link("a", "c", src_dir_fd=folder, dst_dir_fd=folder)
        os.rename("a", "b", src_dir_fd=folder, dst_dir_fd=folder)
        os.close(folder)
        self.assertTrue([r for r in m.records(action="rename") if "path_sha256" in r["file"] and "to_path_sha256" in r["ward"]])
        m.umount()
        ward("fsck", m.store)

    def test_policy_says_how_long(self):
        m = self.mount(policy=OPEN)
        for table, cause in (('prune_after = "2y"', "keep"), ('keep = "2y"\nprune_after = "1y"', "at least as long as keep"),
                             ('rol = "1d"', "rol")):
            with self.err(22):
                write(m.path("@@/policy.toml"), f"{OPEN}\n[log]\n{table}\n")
            self.assertIn(cause, read(m.path("@@/why")).decode())
        write(m.path("@@/policy.toml"), f'{OPEN}\n[log]\nroll = "1d"\nkeep = "1y"\nprune_after = "2y"\n')


if __name__ == "__main__":
    main()

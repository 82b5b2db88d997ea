# SPDX-License-Identifier: Apache-2.0
"""A full disk and a damaged store: one clear line, a distinct exit code, nothing lost, nothing changed.

Goal: the writer hears ENOSPC, everything else goes on; a store that can't be served says why. Method: a store on a small disk
of its own (tmpfs) that is filled to the last bytes; stores with one thing wrong each, compared byte by byte before and after.
"""
import errno as e
import itertools
import os
import re
import resource
import signal
import subprocess
import time
import unittest

from cases import Case
from people import ONE, Person, require_people, run_as, uid
from harness import IS_ROOT, Mount, alive, main, make_temp, read, require_mount, sh, versions, wait_until, ward, write


class FullDisk(Case):
    @classmethod
    def setUpClass(cls):
        require_mount()
        if not IS_ROOT:
            raise unittest.SkipTest("SKIPPED: needs root, to mount a small disk")
        cls.base = make_temp()
        cls.addClassCleanup(os.rmdir, cls.base)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m,mode=0755", "ward-e2e", cls.base], check=True)
        cls.addClassCleanup(subprocess.run, ["umount", cls.base], check=True)
        cls.m = Mount(base=cls.base)
        cls.addClassCleanup(cls.m.cleanup)
        write(cls.m.path("first"), b"version one" * 1000)
        cls.filler = cls.base + "/filler"

    def fill(self, free):
        """Takes all space but `free` bytes."""
        self.release()
        s = os.statvfs(self.base)
        size = max(1, s.f_bavail * s.f_frsize - free)
        with open(self.filler, "wb") as f:
            while size > 0:
                try:
                    return os.posix_fallocate(f.fileno(), 0, size)
                except OSError:  # the store took some of it meanwhile
                    size -= 64 << 10

    def release(self):
        if os.path.exists(self.filler):
            os.unlink(self.filler)

    def tearDown(self):
        self.release()

    def alive(self):
        self.assertTrue(alive(self.m.pid), "the daemon ended: " + read(self.m.store + "/daemon.log").decode()[-2000:])
        self.assertEqual(os.stat(self.m.path("first")).st_size, 11_000)

    def healthy(self, full=False):
        """The first artifact is as it was. On a full disk a read may be refused, since it could not be recorded."""
        self.alive()
        for path in ("first", "first@@/versions/1"):
            try:
                self.assertEqual(read(self.m.path(path)), b"version one" * 1000)
            except OSError as error:
                self.assertTrue(full and error.errno == e.ENOSPC, error)

    def test_a_save_that_does_not_fit(self):
        f = self.m.path("big")
        write(f, "small enough")
        self.fill(8 << 20)
        with self.err(e.ENOSPC):
            with open(f, "wb", buffering=0) as w:
                for _ in range(400):
                    w.write(os.urandom(1 << 20))
        self.healthy(full=True)
        self.release()
        self.healthy()
        # The half-written save is nobody's version. Whether it counts as a failed or a finished save of the bytes that
        # fitted is the writer's doing: closing after a failed write saves what is there, as on a disk.
        write(f, "works again")
        self.assertEqual(read(f), b"works again")
        self.assertIn(b"small enough", [read(f"{f}@@/versions/{v}") for v in os.listdir(f + "@@/versions")])

    def test_every_step_of_small_saves(self):
        """With less and less space left: each save is either whole or refused with ENOSPC, never anything else."""
        for free in (4 << 20, 1 << 20, 256 << 10, 64 << 10, 16 << 10, 0):
            with self.subTest(free=free):
                self.fill(free)
                last, refused = None, 0
                f = self.m.path(f"small{free}")
                for i in range(2000):
                    try:
                        write(f, f"{i} " + "x" * 20_000)
                        last = i
                    except OSError as error:
                        self.alive()
                        self.assertEqual(error.errno, e.ENOSPC)
                        refused += 1
                        if refused == 3:
                            break
                self.assertEqual(refused, 3)
                self.healthy(full=True)
                for act in (lambda: os.mkdir(self.m.path(f"d{free}")), lambda: os.chmod(self.m.path("first"), 0o600),
                            lambda: os.unlink(self.m.path("first@@/nothing"))):
                    try:
                        act()
                    except OSError as error:
                        self.assertIn(error.errno, (e.ENOSPC, e.ENOENT, e.EROFS, e.EACCES, e.EPERM, e.EINVAL))
                self.release()
                self.healthy()
                if last is not None:
                    self.assertTrue(any(read(f"{f}@@/versions/{v}").startswith(f"{last} ".encode())
                                        for v in os.listdir(f + "@@/versions")))
                write(f, "works again")
                self.assertEqual(read(f), b"works again")

    def test_zz_the_store_is_whole_afterwards(self):
        self.m.umount()
        ward("fsck", self.m.store)
        self.m.mount()
        self.healthy()


class FullLog(Case):
    """Not a record more fits, but for those that have room reserved."""

    def setUp(self):
        require_people()
        base = make_temp()
        self.addCleanup(os.rmdir, base)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0755", "ward-e2e", base], check=True)
        self.addCleanup(subprocess.run, ["umount", base], check=True)
        self.m = Mount(base=base)
        self.addCleanup(self.m.cleanup)
        write(self.m.path("mine"), "one")
        os.chmod(self.m.path("mine"), 0o600)
        self.filler = base + "/filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as f, self.err(e.ENOSPC):
            while True:
                f.write(bytes(4096))
        with self.err(e.ENOSPC):
            while True:
                os.listdir(self.m.mnt)

    def test_refusals_of_new_programs(self):
        self.fill()
        for access in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_CREAT):
            self.err_as(ONE, e.EACCES, lambda: os.open(self.m.path("mine"), access))
        late = Person(ONE)
        self.addCleanup(late.close)
        with self.err(e.EACCES):
            late("os.open(f, 0)", f=self.m.path("mine"))
        os.unlink(self.filler)
        wait_until(lambda: write(self.m.path("again"), "x") or True, what="the log to go on")
        self.assertEqual(len(self.m.records(action="open", outcome="failure", uid=uid(ONE))), 4)
        with self.err(e.EACCES):
            late("os.open(f, 0)", f=self.m.path("mine"))
        self.assertEqual([r["process"]["pid"] for r in self.m.records(action="process", uid=uid(ONE))], [late.pid])

    def test_a_flood_of_refusals(self):
        """Spends the reserve: nothing is answered unrecorded, and what waits for room is recorded when there is some."""
        os.mkdir(self.m.path("closed"), 0o700)
        self.fill()

        def flood():
            seen, end = {}, time.monotonic() + 100
            for i in itertools.count():
                if e.EIO in seen:  # goes on for so long that the daemon, which looks after its log each second, meets it
                    end = min(end, time.monotonic() + 2.5)
                for path in ("mine", f"closed/{i:06}" + 249 * "\1"):
                    try:
                        os.open(self.m.path(path), os.O_RDONLY)
                    except OSError as error:
                        seen[error.errno] = seen.get(error.errno, 0) + 1
                if time.monotonic() > end:
                    return seen
        seen = run_as(ONE, flood)
        self.assertEqual(set(seen), {e.EACCES, e.EIO})
        self.assertTrue(alive(self.m.pid), "the daemon ended")
        os.unlink(self.filler)
        wait_until(lambda: write(self.m.path("again"), "x") or True, what="the log to go on")
        recorded = lambda: sum(r["ward"].get("count", 1) for r in self.m.records(outcome="failure", uid=uid(ONE)))
        wait_until(lambda: recorded() == seen[e.EACCES], what="all that was refused to be recorded")

    def test_the_unmount(self):
        self.fill()
        self.m.umount()
        self.assertEqual(self.m.records()[-1]["event"]["action"], "unmount")
        os.unlink(self.filler)
        self.m.mount()
        self.assertEqual(read(self.m.path("mine")), b"one")
        self.m.umount()
        ward("audit", "verify", self.m.store, "--key", self.m.vkey)
        ward("fsck", self.m.store)


class UnwritableLog(Case):
    """The log's disk refuses every write, as one that went read-only does."""

    @unittest.skipUnless(IS_ROOT, "needs root: traces the daemon")
    def test_nothing_is_served_that_cannot_be_recorded(self):
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("a"), "one")
        tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-p", str(m.pid), "-e", "trace=pwrite64", "-e",
                                   "inject=pwrite64:error=EROFS"], stderr=subprocess.PIPE)
        try:
            tracer.stderr.readline()  # attached
            for action in (lambda: read(m.path("a")), lambda: write(m.path("b"), "x"), lambda: os.mkdir(m.path("d")),
                           lambda: os.unlink(m.path("a")), lambda: os.rename(m.path("a"), m.path("c"))):
                if m.mounted():  # it stops within a second
                    with self.err(e.EIO, e.EROFS, e.ENOTCONN, e.ECONNABORTED):
                        action()
            # What it can't make durable either makes it stop: better no service than one that can't be proved.
            wait_until(lambda: not alive(m.pid), 30, "the daemon to stop")
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            tracer.stderr.close()
        wait_until(lambda: not m.mounted(), 10, "the mount to go")
        m.mount()
        self.assertEqual(os.listdir(m.mnt), ["a"])
        self.assertEqual(read(m.path("a")), b"one")
        ward("audit", "verify", m.store, "--key", m.vkey)


class BadStore(Case):
    """Each test damages one thing of an unmounted store and mounts it."""

    def setUp(self):
        self.m = Mount()
        self.addCleanup(self.m.cleanup)
        write(self.m.path("f"), "x")
        self.m.umount()

    def snapshot(self):
        """Every file but daemon.log and the lock, which name the process that tried."""
        return sh("find . -type f ! -name daemon.log ! -name lock -print0 | sort -z | xargs -0 sha256sum; find . -type d | sort",
                  cwd=self.m.store).splitlines()

    def refused(self, code, *words, command=None):
        before = self.snapshot()
        done = ward(*(command or ("mount", self.m.store, self.m.mnt)), check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("ward: "), lines)
        for word in words:
            self.assertRegex(lines[0], word)
        self.assertFalse(self.m.mounted())
        self.assertEqual(self.snapshot(), before, "a refused mount changes nothing")

    def edit(self, path, pattern, new):
        path = os.path.join(self.m.store, path)
        text = read(path).decode()
        changed, n = re.subn(pattern, new, text, count=1, flags=re.M)
        self.assertEqual(n, 1, text)
        write(path, changed)

    def test_another_format_version(self):
        self.edit("ward.toml", r"^(\s*format[a-z_-]*\s*=\s*)\d+", r"\g<1>99")
        self.refused(4, "format", "99")

    def test_corrupt_config(self):
        write(self.m.store + "/ward.toml", "format = [1, [[[\n\0\xff".encode("latin-1"))
        self.refused(3, r"ward\.toml")

    def test_missing_config(self):
        os.unlink(self.m.store + "/ward.toml")
        self.refused(3)

    def test_missing_key(self):
        for name in os.listdir(self.m.store + "/keys"):
            os.rename(os.path.join(self.m.store, "keys", name), os.path.join(self.m.base, name))
        self.refused(6, "key")

    def test_not_a_store(self):
        empty = self.m.base + "/empty"
        os.mkdir(empty)
        self.refused(3, command=("mount", empty, self.m.mnt))
        self.refused(3, command=("mount", self.m.base + "/none", self.m.mnt))
        self.refused(3, command=("fsck", empty))

    def test_mount_points(self):
        self.refused(7, command=("mount", self.m.store, self.m.base + "/none"))
        write(self.m.base + "/file", "x")
        self.refused(7, command=("mount", self.m.store, self.m.base + "/file"))
        write(self.m.mnt + "/something", "x")
        self.refused(7, "empty")
        os.unlink(self.m.mnt + "/something")
        self.m.mount()  # and now it works

    def test_an_init_over_something(self):
        self.refused(3, command=("init", self.m.store))

    def test_a_second_daemon(self):
        other = self.m.base + "/other"
        os.mkdir(other)
        self.m.mount()
        done = ward("mount", self.m.store, other, check=False)
        self.assertEqual((done.returncode, len(done.stderr.strip().splitlines())), (5, 1), done.stderr)
        for command in (("fsck",), ("rebuild",)):
            self.assertIn(ward(*command, self.m.store, check=False).returncode, (0, 5))
        self.assertEqual(ward("rebuild", self.m.store, check=False).returncode, 5)
        self.assertEqual(read(self.m.path("f")), b"x")

    def test_a_damaged_log_stops_the_mount(self):
        log = [n for n in sorted(os.listdir(self.m.store + "/audit")) if n.endswith(".jsonl")][0]
        path = os.path.join(self.m.store, "audit", log)
        good = read(path)
        lines = good.split(b"\n")
        for bad in (b"\n".join(lines[:3] + [lines[3].replace(b'"', b"'", 1)] + lines[4:]),
                    b"\n".join(lines[:3] + lines[4:]), good[:len(good) // 2].rsplit(b"\n", 1)[0] + b"\n"):
            with self.subTest():
                write(path, bad)
                self.refused(8, r"audit|log")
        write(path, good)
        self.m.mount()
        self.assertEqual(read(self.m.path("f")), b"x")

    def test_an_unterminated_last_line_is_cut_and_recorded(self):
        log = [n for n in sorted(os.listdir(self.m.store + "/audit")) if n.endswith(".jsonl")][-1]
        write(os.path.join(self.m.store, "audit", log), b'{"@timestamp":"2026-01-', "ab")
        self.m.mount()
        self.assertEqual([r["ward"]["cut_bytes"] for r in self.m.records(action="recover")], [23])
        self.assertEqual(read(self.m.path("f")), b"x")

    def test_a_damaged_catalog_is_rebuilt_or_named(self):
        for name in os.listdir(self.m.store):
            if name.startswith("catalog.db"):
                write(os.path.join(self.m.store, name), b"no database" * 1000)
        done = ward("mount", self.m.store, self.m.mnt, check=False)
        if done.returncode != 0:
            self.assertEqual(done.returncode, 8)
            self.assertIn("rebuild", done.stderr)
            ward("rebuild", self.m.store)
            ward("mount", self.m.store, self.m.mnt)
        self.m.pid = int(self.m.status()["pid"])
        self.assertEqual((read(self.m.path("f")), versions(self.m.path("f"))), (b"x", 1))

    def test_a_damaged_object_is_never_served(self):
        digest = self.m.records(action="commit", path="/f")[0]["ward"]["sha256"]
        path = f"{self.m.store}/history.git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}"
        os.chmod(path, 0o600)
        write(path, "y")
        os.chmod(path, 0o444)
        done = ward("fsck", self.m.store, check=False)
        self.assertEqual(done.returncode, 8)
        self.assertIn(digest, done.stdout + done.stderr)
        self.m.mount()
        with self.err(e.EIO):
            read(self.m.path("f"))

    def test_a_damaged_block_of_a_large_object_is_never_served(self):
        m = self.m
        m.mount()
        content = os.urandom(6 << 20)
        write(m.path("large"), content)
        sha = os.getxattr(m.path("large"), "user.ward.sha256").decode()
        m.umount()
        file = f"{m.store}/history.git/lfs/objects/{sha[:2]}/{sha[2:4]}/{sha}"
        with open(file, "r+b") as f:
            f.seek((3 << 20) + 5)
            f.write(bytes([content[(3 << 20) + 5] ^ 1]))
        m.mount()
        with open(m.path("large"), "rb", buffering=0) as f:
            self.assertEqual(os.pread(f.fileno(), 3 << 20, 0), content[:3 << 20])
            with self.err(e.EIO):
                os.pread(f.fileno(), 10, (3 << 20) + 100)
            self.assertEqual(os.pread(f.fileno(), 2 << 20, 4 << 20), content[4 << 20:])
        with self.err(e.EIO):
            with open(m.path("large"), "ab") as f:  # a draft would take the damage along, under a name of its own
                f.write(b"more")
        self.assertEqual(versions(m.path("large")), 1)
        self.assertIn("damaged between bytes 3145728 and 4194304", read(m.store + "/daemon.log").decode())
        m.umount()

    def test_saves_leave_no_descriptor_behind(self):
        """The kernel keeps a saved file's node as long as it likes; that must not keep anything open here."""
        self.m.mount()
        def descriptors():
            return len(os.listdir(f"/proc/{self.m.pid}/fd"))
        write(self.m.path("first"), "1")
        self.m.settle()
        before = descriptors()
        for i in range(300):
            write(self.m.path(f"m{i}"), str(i))
        with open(self.m.path("m7"), "r+b") as f:  # a draft that was read from, too
            self.assertEqual(b"7", f.read())
            f.write(b"8")
        self.m.settle()
        wait_until(lambda: descriptors() < before + 100, 30, f"{descriptors()} descriptors to be about {before} again")

    def test_too_many_open_files(self):
        self.m.mount()
        limit = resource.prlimit(self.m.pid, resource.RLIMIT_NOFILE)
        for i in range(300):
            write(self.m.path(f"m{i}"), str(i))
        resource.prlimit(self.m.pid, resource.RLIMIT_NOFILE, (200, limit[1]))
        held, refused = [], []
        for i in range(300):
            try:
                held.append(os.open(self.m.path(f"m{i}"), os.O_RDONLY))
            except OSError as error:
                refused.append(error.errno)
        wait_until(lambda: self.m.status()["synced"] == self.m.status()["records"], 30, "the log to become durable all the same")
        for fd in held:
            os.close(fd)
        self.assertLessEqual(set(refused), {e.EMFILE, e.ENFILE})
        resource.prlimit(self.m.pid, resource.RLIMIT_NOFILE, limit)
        wait_until(lambda: read(self.m.path("m299")) == b"299", what="descriptors to be free again")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Bytes behave as on a disk: offsets, holes, truncation, appending, mappings, copies in the kernel, locks.

Goal: no client can tell that versions are made below. Method: a random walk against a model, then each promise once, on
regular files; runs on a plain disk too (WARD_E2E_NATIVE), to test the test.
"""
import errno as e
import fcntl
import mmap
import os
import random

from cases import PosixCase
from harness import main, read, write
from people import run_as


class Bytes(PosixCase):
    def test_random_writes_against_a_model(self):
        """A thousand random writes, truncations and reads, through two descriptors, agree with a bytearray."""
        rng, model = random.Random(7), bytearray()
        fds = [os.open(self.p("f"), os.O_CREAT | os.O_RDWR) for _ in range(2)]
        for step in range(1000):
            fd, at, n = rng.choice(fds), rng.randrange(300_000), rng.randrange(1, 9000)
            act = rng.randrange(10)
            if act < 5:
                data = rng.randbytes(n)
                os.pwrite(fd, data, at)
                model.extend(bytes(max(0, at - len(model))))
                model[at:at + n] = data
            elif act < 9:
                self.assertEqual(os.pread(fd, n, at), bytes(model[at:at + n]), step)
            else:
                os.ftruncate(fd, at)
                model = model[:at] + bytes(max(0, at - len(model)))
            if step % 250 == 100:
                os.fsync(fd)
            if step % 250 == 200:  # a close in between, as a client that saves again and again
                i = fds.index(fd)
                os.close(fd)
                fds[i] = os.open(self.p("f"), os.O_RDWR)
            self.assertEqual(os.fstat(fds[0]).st_size, len(model))
        for fd in fds:
            os.close(fd)
        self.assertEqual(read(self.p("f")), bytes(model))

    def test_holes(self):
        with open(self.p("f"), "wb") as f:
            f.seek(10 << 20)
            f.write(b"end")
        self.assertEqual(os.stat(self.p("f")).st_size, (10 << 20) + 3)
        with open(self.p("f"), "rb") as f:
            self.assertEqual(f.read(1 << 20), bytes(1 << 20))
            self.assertEqual(os.lseek(f.fileno(), 0, os.SEEK_HOLE), 0)
            data = os.lseek(f.fileno(), 0, os.SEEK_DATA)
            self.assertLessEqual(data, 10 << 20)
            with self.err(e.ENXIO):
                os.lseek(f.fileno(), (10 << 20) + 3, os.SEEK_DATA)
        os.truncate(self.p("f"), 100)
        os.truncate(self.p("f"), 5000)
        self.assertEqual(read(self.p("f")), bytes(5000))

    def test_beyond_four_gib(self):
        with open(self.p("f"), "w+b") as f:
            f.seek((5 << 30) - 1)
            f.write(b"x")
            f.truncate(10)
        self.assertEqual(os.stat(self.p("f")).st_size, 10)

    def test_append_is_atomic_between_processes(self):
        children = []
        for who in range(6):
            child = os.fork()
            if child == 0:
                fd = os.open(self.p("f"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
                for i in range(200):
                    os.write(fd, f"{who} {i} {'x' * (i % 50)}\n".encode())
                os.close(fd)
                os._exit(0)
            children.append(child)
        for c in children:
            os.waitpid(c, 0)
        lines = read(self.p("f")).decode().splitlines()
        self.assertEqual(sorted(lines), sorted(f"{w} {i} {'x' * (i % 50)}" for w in range(6) for i in range(200)))

    def test_shared_mapping_agrees_with_read_and_write(self):
        write(self.p("f"), bytes(8192))
        with open(self.p("f"), "r+b", buffering=0) as f, mmap.mmap(f.fileno(), 8192) as m:
            m[10:13] = b"map"
            self.assertEqual(os.pread(f.fileno(), 3, 10), b"map")
            os.pwrite(f.fileno(), b"wri", 5000)
            self.assertEqual(m[5000:5003], b"wri")
            m.flush()
            self.assertEqual(read(self.p("f"))[10:13], b"map")
        private = mmap.mmap(os.open(self.p("f"), os.O_RDONLY), 8192, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        private[0:3] = b"own"
        self.assertEqual(read(self.p("f"))[:3], bytes(3))

    def test_a_duplicated_descriptor_shares_its_offset(self):
        fd = os.open(self.p("f"), os.O_CREAT | os.O_RDWR)
        twin = os.dup(fd)
        os.write(fd, b"one")
        os.close(fd)
        os.write(twin, b"two")
        self.assertEqual(os.pread(twin, 9, 0), b"onetwo")
        os.close(twin)
        self.assertEqual(read(self.p("f")), b"onetwo")

    def test_fallocate(self):
        fd = os.open(self.p("f"), os.O_CREAT | os.O_RDWR)
        os.posix_fallocate(fd, 0, 100_000)
        self.assertEqual(os.fstat(fd).st_size, 100_000)
        os.pwrite(fd, b"x", 99_999)
        os.close(fd)
        self.assertEqual(read(self.p("f")), bytes(99_999) + b"x")

    def test_copies_inside_the_kernel(self):
        data = random.Random(1).randbytes(3_000_000)
        write(self.p("a"), data)
        a = os.open(self.p("a"), os.O_RDONLY)
        b = os.open(self.p("b"), os.O_CREAT | os.O_WRONLY)
        left, at = 1_500_000, 0
        while left:
            n = os.copy_file_range(a, b, left, at, at)
            left, at = left - n, at + n
        os.lseek(b, at, 0)
        while at < len(data):
            at += os.sendfile(b, a, at, len(data) - at)
        os.close(b)
        os.close(a)
        self.assertEqual(read(self.p("b")), data)


class Locks(PosixCase):
    def tries(self, lock):
        """What another process gets: True = the lock, False = refused at once."""
        def act():
            with open(self.p("f"), "r+b") as f:
                try:
                    lock(f)
                    return True
                except BlockingIOError:
                    return False
        return run_as(None, act)

    def test_flock_excludes(self):
        write(self.p("f"), "x")
        exclusive, shared = ((lambda f, h=how: fcntl.flock(f, h | fcntl.LOCK_NB)) for how in (fcntl.LOCK_EX, fcntl.LOCK_SH))
        with open(self.p("f"), "r+b") as f:
            fcntl.flock(f, fcntl.LOCK_SH)
            self.assertEqual((self.tries(exclusive), self.tries(shared)), (False, True))
        self.assertTrue(self.tries(exclusive))

    def test_byte_ranges_exclude(self):
        write(self.p("f"), bytes(100))
        with open(self.p("f"), "r+b") as f:
            fcntl.lockf(f, fcntl.LOCK_EX, 10, 5)
            self.assertFalse(self.tries(lambda g: fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)))
            self.assertTrue(self.tries(lambda g: fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 0)))
            self.assertTrue(self.tries(lambda g: fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 1 << 30)))
            fcntl.lockf(f, fcntl.LOCK_UN, 10, 5)
            self.assertTrue(self.tries(lambda g: fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Nobody makes the mount hang: not with processes that hide in an execve, nor with files too large to hash.

Goal: while one user does the worst, another one's look-ups, opens and saves go on. Method: real attacks by unprivileged
processes; a probe of fresh processes measures how long others wait. A hanging mount is taken away, so that the failure
of a test doesn't become the machine's.
"""
import contextlib
import ctypes
import mmap
import os
import signal
import threading
import time

from cases import MountCase
from harness import main, sanitized, write
from people import GROUP, ONE, TWO, become, gid_of, require_people

LONGEST = 60 if sanitized() else 20  # seconds; the machine may be busy, a deadlock lasts for ever


class Hang(MountCase):
    def setUp(self):
        require_people()
        super().setUp()
        write(self.p("f"), "x" * 5000)

    @contextlib.contextmanager
    def others_go_on(self):
        """Probes while the block runs; fails, and frees everybody, when one takes too long."""
        over, worst = threading.Event(), [0.0]

        def probe():
            n = 0
            while not over.is_set():
                n += 1
                began = time.monotonic()
                child = os.fork()
                if child == 0:
                    become(TWO)
                    with contextlib.suppress(OSError):
                        os.stat(self.p(f"nothing{n}"))
                        with open(self.p("f"), "rb") as f:
                            f.read()
                        write(self.p(f"probe{n % 10}"), f"{n}")
                    os._exit(0)
                while os.waitpid(child, os.WNOHANG)[0] == 0:
                    worst[0] = max(worst[0], time.monotonic() - began)
                    if worst[0] > LONGEST:
                        self.m.kill9()
                        os.kill(child, signal.SIGKILL)
                        os.waitpid(child, 0)
                        return
                    time.sleep(0.01)
        thread = threading.Thread(target=probe)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        self.assertLess(worst[0], LONGEST, "the mount hung")

    def attack(self, act, count=1):
        """Runs act(i) in `count` processes of ONE and waits for their ends, whatever they are."""
        children = []
        for i in range(count):
            child = os.fork()
            if child == 0:
                try:
                    os.setsid()
                    become(ONE)
                    act(i)
                finally:
                    os._exit(0)
            children.append(child)
        deadline = time.monotonic() + 4 * LONGEST
        for child in children:
            while os.waitpid(child, os.WNOHANG)[0] == 0:
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                time.sleep(0.01)

    def test_children_of_a_process_in_an_execve(self):
        """Its descriptors are closed inside the execve, and until then /proc shows it to nobody: whoever looks waits for
        the daemon, which must not be the daemon."""
        os.mkdir(self.p("d"))
        os.chown(self.p("d"), -1, gid_of(GROUP))
        os.chmod(self.p("d"), 0o770)  # so that whoever looks into it must be asked for groups
        write(self.p("d/f"), "x")

        def opens(until):
            while time.monotonic() < until:
                child = os.fork()
                if child == 0:
                    with contextlib.suppress(OSError):
                        os.close(os.open(self.p("d/f"), os.O_RDONLY))
                    os._exit(0)
                os.waitpid(child, 0)

        def act(i):
            for _ in range(60):  # one more process each that nobody has seen yet, all the time
                if os.fork() == 0:
                    opens(time.monotonic() + 2)
                    os._exit(0)
            fd = os.open(self.p(f"saved{i}"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
            for _ in range(32):
                os.write(fd, b"x" * (1 << 20))
            os.execv("/bin/sleep", ["sleep", "2.5"])
        with self.others_go_on():
            for _ in range(3):
                self.attack(act)

    def test_arguments_in_a_mapping_of_the_mount(self):
        """Reading the command line of such a process asks the daemon for the page."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]

        count, fixed = 80, 0x10
        for i in range(count):
            write(self.p(f"page{i}"), "x" * mmap.PAGESIZE)  # one each: it must not have been read in yet
        wait, go = os.pipe()

        def act(i):
            os.close(go)
            with open("/proc/self/stat") as f:
                arg_start = int(f.read().rsplit(")", 1)[1].split()[45])
            fd = os.open(self.p(f"page{i}"), os.O_RDONLY)
            if os.fork() == 0:  # a process that nobody has introduced yet
                libc.mmap(arg_start & -mmap.PAGESIZE, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE,
                          mmap.MAP_PRIVATE | fixed, fd, 0)
                os.read(wait, 1)  # all at once
                os.close(os.open(self.p("f"), os.O_RDONLY))
                os._exit(0)
            os.wait()
        with self.others_go_on():
            threading.Timer(3, os.close, (go,)).start()
            self.attack(act, count)
        os.close(wait)


if __name__ == "__main__":
    main()

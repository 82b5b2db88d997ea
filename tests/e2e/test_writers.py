# SPDX-License-Identifier: Apache-2.0
"""Several writers of one artifact, and what a save owes to each of them.

Goal: a close() that returned has published its save, whoever else has the file open or was killed with it open; a session
sees a draft only while it writes it itself. Method: descriptors and processes whose steps are taken one by one, and a look
from another session in between.
"""
import os
import signal
import subprocess
import sys
import time

from cases import MountCase
from harness import main, read, versions, wait_until, write
from people import Person, require_people

READ = "open(f, 'rb').read()"


class Writers(MountCase):
    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()
        cls.one, cls.two, cls.reader = Person(), Person(), Person()
        for person in (cls.one, cls.two, cls.reader):
            cls.addClassCleanup(person.close)

    def test_the_last_close_publishes_although_the_first_writer_still_has_a_descriptor(self):
        """The first writer closed one of two descriptors: it isn't in the middle of writing any more."""
        f = self.p("f")
        write(f, "........")
        self.one("a = os.open(f, os.O_WRONLY); os.pwrite(a, b'one', 0)", f=f)
        self.two("b = os.open(f, os.O_WRONLY); os.pwrite(b, b'two', 4)", f=f)
        self.one("os.close(os.dup(a))")
        self.assertEqual(self.reader(READ, f=f), b"........")  # the second is still writing
        self.two("os.close(os.dup(b))")
        self.assertEqual(self.reader(READ, f=f), b"one.two.")
        self.one("os.close(a)"), self.two("os.close(b)")
        self.m.settle(self.v(f))
        self.assertEqual(versions(f), 2)

    def test_a_killed_writer_takes_no_other_save_along(self):
        f = self.p("f")
        write(f, "........")
        self.two("b = os.open(f, os.O_WRONLY); os.pwrite(b, b'two', 4)", f=f)
        child = subprocess.Popen([sys.executable, "-c", "import os, sys, time; a = os.open(sys.argv[1], os.O_WRONLY); "
                                  "os.pwrite(a, b'one', 0); print('wrote', flush=True); time.sleep(60)", f],
                                 stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), b"wrote\n")
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.two("os.close(os.dup(b))")  # returns with the version committed, the other's bytes in it as on a disk
        self.assertEqual(self.reader(READ, f=f)[4:], b"two.")
        self.two("os.close(b)")
        self.m.settle(self.v(f))
        self.assertEqual(versions(f), 2)

    def test_who_closed_reads_what_they_left_while_another_goes_on(self):
        """The save waits for the other writer; its own session sees it, and not what the other writes meanwhile."""
        f = self.p("f")
        write(f, "........")
        self.two("b = os.open(f, os.O_WRONLY); os.pwrite(b, b'two', 4)", f=f)
        self.one("a = os.open(f, os.O_WRONLY); os.pwrite(a, b'one', 0); os.close(a)", f=f)
        self.assertEqual(self.reader(READ, f=f), b"........")
        self.one("r = os.open(f, os.O_RDONLY)", f=f)
        self.assertEqual(self.one("os.pread(r, 4, 0)"), b"one.")
        self.two("os.pwrite(b, b'later..', 1), os.ftruncate(b, 6)")
        self.assertEqual(self.one("os.pread(r, 100, 4)"), b"two.", "the rest of what it began to read")
        self.assertEqual(self.one(READ, f=f), b"olater", "a new open shows the draft as it is now")
        self.two("os.close(b)")
        self.assertEqual(self.reader(READ, f=f), b"olater")
        self.assertEqual(self.one("os.pread(r, 100, 0)"), b"one.two.")
        self.one("os.close(r)")
        self.m.settle(self.v(f))
        self.assertEqual(versions(f), 2)

    def test_a_writer_reads_its_own_unsaved_bytes_through_another_descriptor(self):
        f = self.p("f")
        write(f, "........")
        self.one("a = os.open(f, os.O_WRONLY); os.pwrite(a, b'one', 0); r = os.open(f, os.O_RDONLY)", f=f)
        self.assertEqual(self.one("os.pread(r, 100, 0)"), b"one.....")
        self.one("os.pwrite(a, b'more', 4)")
        self.assertEqual(self.one("os.pread(r, 100, 0)"), b"one.more")
        self.one("os.close(a), os.close(r)")

    def test_a_truncation_by_path_is_a_save_unless_somebody_is_in_the_middle_of_one(self):
        f = self.p("f")
        write(f, "........")
        self.two("b = os.open(f, os.O_WRONLY)", f=f)
        self.one("os.truncate(f, 4)", f=f)
        self.assertEqual(self.reader(READ, f=f), b"....", "an open writer that wrote nothing holds nothing up")
        self.two("os.pwrite(b, b'two', 0)")
        self.one("os.truncate(f, 6)", f=f)
        self.assertEqual(self.reader(READ, f=f), b"....")
        self.assertEqual((self.one(READ, f=f), self.one("os.stat(f).st_size", f=f)), (b"two.\0\0", 6))
        self.two("os.close(b)")
        self.assertEqual(self.reader(READ, f=f), b"two.\0\0")
        self.m.settle(self.v(f))
        self.assertEqual(versions(f), 2, "the writer had the file open when the truncation was saved: it goes on with that save")

    def test_who_opened_and_wrote_nothing_sees_no_draft_of_others(self):
        f = self.p("f")
        write(f, "version one")
        self.one("os.close(os.open(f, os.O_WRONLY))", f=f)
        self.two("w = open(f, 'wb', buffering=0); w.write(b'half')", f=f)
        self.assertEqual(self.one(READ, f=f), b"version one")
        self.two("w.close()")
        self.assertEqual(self.one(READ, f=f), b"half")

    def test_a_name_without_a_save_may_replace_an_artifact(self):
        """Its writer has it open and wrote nothing yet: an empty version, and what is written later amends it."""
        f, fresh = self.p("f"), self.p("fresh")
        write(f, "version one")
        a = os.open(fresh, os.O_CREAT | os.O_WRONLY)
        os.rename(fresh, f)
        self.assertEqual(self.reader(READ, f=f), b"")
        os.write(a, b"written later")
        os.close(a)
        self.assertEqual(self.reader(READ, f=f), b"written later")
        self.assertEqual(read(f"{f}@@/versions/1"), b"version one")

    def test_an_old_descriptor_name_race_cannot_leak_estale(self):
        """A file that is renamed and replaced while others open it for writing by the same name: each open succeeds."""
        names = [self.p(n) for n in "abc"]
        for n in names:
            write(n, n)
        mover = subprocess.Popen([sys.executable, "-c", """
import os, random, sys
rng = random.Random(1)
while True:
    try:
        os.rename(rng.choice(sys.argv[1:]), rng.choice(sys.argv[1:]))
    except FileNotFoundError:
        pass
""", *names], start_new_session=True)
        try:
            end = time.monotonic() + 4
            opened = 0
            while time.monotonic() < end:
                for n in names:
                    os.close(os.open(n, os.O_CREAT | os.O_WRONLY))
                    opened += 1
        finally:
            mover.kill()
            mover.wait()
        self.assertGreater(opened, 50)

    def test_a_program_starting_in_a_folder_that_denies_others(self):
        """execve closes files (FLUSH) while lookups of the same process tree are refused: nobody waits for anybody."""
        os.chmod(self.d, 0o750)
        f = self.p("f")
        write(f, "x")
        with open(f, "ab") as held:
            for _ in range(20):
                children = [subprocess.Popen([sys.executable, "-c", "import os, sys; "
                                              "held = open(sys.argv[1], 'ab'); os.execv('/bin/true', ['true'])", f])
                            for _ in range(4)]
                wait_until(lambda: all(c.poll() is not None for c in children), 60, "the programs to end")
        self.assertEqual([c.returncode for c in children], [0] * 4)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Who sees which bytes while a save is going on.

Goal: a loader never reads half a model; the writer's own session works as on a disk. Method: a writer, a mate in its session,
the same user in another session and another user, each a process of its own that was started before the save; each looks at
the file at each step.
"""
import errno as e
import os

from cases import MountCase
from harness import main, versions, write
from people import ONE, Person, require_people

READ = "open(f, 'rb').read()"


class Drafts(MountCase):
    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()
        cls.writer, cls.mate = Person(shared_session=True), Person(shared_session=True)
        cls.service, cls.other = Person(), Person(ONE)
        for person in (cls.writer, cls.mate, cls.service, cls.other):
            cls.addClassCleanup(person.close)

    def look(self, f, code=READ):
        """What mate, service and other see."""
        return [who(code, f=f) for who in (self.mate, self.service, self.other)]

    def test_others_see_the_last_version_until_close(self):
        f = self.p("f")
        write(f, "version one")
        self.writer("w = open(f, 'r+b', buffering=0); w.write(b'DRAFT')", f=f)
        self.assertEqual(self.look(f), [b"DRAFTon one", b"version one", b"version one"])
        self.assertEqual(self.writer(READ, f=f), b"DRAFTon one")
        self.writer("w.seek(0, 2); w.write(b' and more')")
        self.assertEqual(self.look(f, "os.stat(f).st_size"), [20, 11, 11])
        self.writer("w.close()")
        self.assertEqual(self.look(f), [b"DRAFTon one and more"] * 3)
        self.assertEqual(self.look(f, "os.stat(f).st_size"), [20, 20, 20])  # close-to-open holds for stat as well
        self.assertEqual(versions(f), 2)

    def test_truncating_open_hides_nothing_from_others(self):
        f = self.p("f")
        write(f, "version one")
        self.writer("w = open(f, 'wb', buffering=0)", f=f)
        self.assertEqual(self.look(f), [b"", b"version one", b"version one"])
        self.writer("w.write(b'new'); w.close()")
        self.assertEqual(self.look(f), [b"new"] * 3)

    def test_fsync_publishes_nothing(self):
        f = self.p("f")
        write(f, "version one")
        self.writer("w = open(f, 'wb', buffering=0); w.write(b'half'); os.fsync(w.fileno())", f=f)
        self.assertEqual(self.look(f), [b"half", b"version one", b"version one"])
        self.writer("w.close()")
        self.assertEqual(versions(f), 2)

    def test_a_new_name_exists_at_once_and_is_empty_for_others(self):
        f = self.p("f")
        self.writer("w = os.open(f, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666); os.write(w, b'half')", f=f)
        for who in (self.mate, self.service, self.other):
            with self.err(e.EEXIST):
                who("os.open(f, os.O_CREAT | os.O_EXCL | os.O_WRONLY)", f=f)
        self.assertEqual(self.look(f), [b"half", b"", b""])
        self.writer("os.write(w, b' and half'); os.close(w)")
        self.assertEqual(self.look(f), [b"half and half"] * 3)

    def test_a_second_writer_joins_the_draft(self):
        f = self.p("f")
        write(f, "0123456789")
        os.chmod(f, 0o666)
        self.writer("w = open(f, 'r+b', buffering=0); w.write(b'AA')", f=f)
        self.other("w = open(f, 'r+b', buffering=0); w.seek(8); w.write(b'ZZ')", f=f)
        self.assertEqual([who("os.pread(w.fileno(), 99, 0)") for who in (self.writer, self.other)], [b"AA234567ZZ"] * 2)
        self.assertEqual(self.service(READ, f=f), b"0123456789")
        self.writer("w.close()")
        self.assertEqual(self.service(READ, f=f), b"0123456789")  # the other handle still has unsealed writes
        self.other("w.close()")
        self.assertEqual(self.look(f), [b"AA234567ZZ"] * 3)
        self.m.settle(self.v(f))
        self.assertEqual(versions(f), 2)

    def test_who_wrote_before_sees_no_later_draft(self):
        """A session is a writer's only while it writes: a minute or a moment later it is a reader like all others."""
        f = self.p("f")
        self.service("w = open(f, 'wb', buffering=0); w.write(b'version one'); w.close()", f=f)
        self.writer("w = open(f, 'wb', buffering=0); w.write(b'half')", f=f)
        self.assertEqual(self.look(f), [b"half", b"version one", b"version one"])
        self.writer("w.close()")
        self.writer("w = open(f, 'r+b', buffering=0)", f=f)
        self.service("w = open(f, 'r+b', buffering=0); w.write(b'HA'); w.close()", f=f)  # joins, is sealed, and leaves
        self.assertEqual(self.look(f), [b"HAlf"] * 3)
        self.writer("w.write(b'lalala')")
        self.assertEqual(self.look(f), [b"lalala", b"HAlf", b"HAlf"])
        self.writer("w.close()")
        self.assertEqual(self.look(f), [b"lalala"] * 3)

    def test_old_readers_keep_their_version(self):
        f = self.p("f")
        write(f, b"1" * 300_000)
        for who in (self.service, self.other):
            who("r = open(f, 'rb'); m = mmap.mmap(r.fileno(), 0, prot=mmap.PROT_READ); first = r.read(10)", f=f)
        write(f, b"2" * 10)
        write(f, b"3" * 300_000)
        for who in (self.service, self.other):
            self.assertEqual(who("set(first + r.read()), set(m[:]), os.fstat(r.fileno()).st_size, os.fstat(r.fileno()).st_ino"),
                             ({ord("1")}, {ord("1")}, 300_000, os.stat(f).st_ino))
            self.assertEqual(who("set(open(f, 'rb').read())", f=f), {ord("3")})
            who("m.close(); r.close()")

    def test_a_killed_writer_publishes_nothing(self):
        for how in ("wb", "r+b"):
            with self.subTest(how):
                f = self.p("f" + how)
                write(f, "the finished version")
                with Person() as writer:
                    writer(f"w = open(f, {how!r}, buffering=0); w.write(b'half a mod')", f=f)
                    writer.kill()
                self.m.settle(self.v(f))
                self.assertEqual(self.look(f), [b"the finished version"] * 3)
                self.assertEqual((versions(f), len(self.m.records(action="commit", path=self.v(f)))), (1, 1))
                abandoned = self.m.records(action="abandon", path=self.v(f))
                self.assertEqual([(r["ward"]["kept"], r["ward"]["cause"]) for r in abandoned], [(True, "writer-killed")])
                self.assertTrue(os.listdir(self.m.path("@@/drafts")))
                write(f, "the next version")  # and saving goes on
                self.assertEqual((versions(f), self.look(f)), (2, [b"the next version"] * 3))

    def test_a_killed_writer_of_a_new_name(self):
        f = self.p("f")
        with Person() as writer:
            writer("w = open(f, 'wb', buffering=0); w.write(b'half')", f=f)
            writer.kill()
        self.m.settle(self.v(f))
        self.assertEqual((self.look(f), versions(f)), ([b""] * 3, 0))

    def test_logs_are_seen_by_all_at_once(self):
        for name in ("train.log", "events.out.tfevents.123.host.1"):
            f = self.p(name)
            self.writer("w = open(f, 'ab', buffering=0); w.write(b'epoch 1\\n')", f=f)
            self.assertEqual(self.look(f), [b"epoch 1\n"] * 3)
            self.writer("w.write(b'epoch 2\\n')")
            self.assertEqual(self.look(f), [b"epoch 1\nepoch 2\n"] * 3)
            self.writer("w.close()")
            self.m.settle(self.v(f))
            self.assertEqual(versions(f), 1)

    def test_unlinking_while_others_write(self):
        f = self.p("f")
        write(f, "one")
        self.writer("w = open(f, 'r+b', buffering=0); w.write(b'two')", f=f)
        os.unlink(f)
        self.writer("w.write(b'three'); w.close()")
        self.assertFalse(os.path.exists(f))


if __name__ == "__main__":
    main()

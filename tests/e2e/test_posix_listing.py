# SPDX-License-Identifier: Apache-2.0
"""Listing a folder shows each name once, whatever happens to the folder meanwhile.

Goal: what POSIX promises for readdir and what rm -r, find and rsync rely on. Method: big folders changed while they are
listed; runs on a plain disk too (WARD_E2E_NATIVE), to test the test.
"""
import os

from cases import PosixCase
from harness import main, write


class Listing(PosixCase):
    def test_a_big_folder_lists_each_name_once(self):
        names = {f"n{i:05}" for i in range(3000)}
        for n in names:
            os.close(os.open(self.p(n), os.O_CREAT | os.O_WRONLY))
        listed = os.listdir(self.p())
        self.assertEqual((len(listed), set(listed)), (3000, names))

    def test_deleting_while_listing_loses_nothing(self):
        for i in range(1500):
            os.close(os.open(self.p(f"n{i:04}"), os.O_CREAT | os.O_WRONLY))
        seen = []
        with os.scandir(self.p()) as entries:  # as rm -r does
            for entry in entries:
                seen.append(entry.name)
                os.unlink(entry.path)
        self.assertEqual((len(seen), len(set(seen)), os.listdir(self.p())), (1500, 1500, []))

    def test_creating_while_listing_neither_loses_nor_doubles(self):
        old = {f"old{i:04}" for i in range(800)}
        for n in old:
            os.close(os.open(self.p(n), os.O_CREAT | os.O_WRONLY))
        seen = []
        with os.scandir(self.p()) as entries:
            for i, entry in enumerate(entries):
                seen.append(entry.name)
                if i < 400:
                    os.close(os.open(self.p(f"new{i:04}"), os.O_CREAT | os.O_WRONLY))
                if i % 7 == 0 and entry.name in old:
                    os.rename(entry.path, self.p("ren" + entry.name))
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(old - set(seen), set())

    def test_rewinding_shows_new_names(self):
        d = os.open(self.p(), os.O_RDONLY)
        self.assertEqual(os.listdir(d), [])
        write(self.p("f"), "x")
        self.assertEqual(os.listdir(d), ["f"])
        os.unlink(self.p("f"))
        self.assertEqual(os.listdir(d), [])
        os.close(d)

    def test_dot_entries_and_inode_numbers(self):
        os.mkdir(self.p("d"))
        write(self.p("f"), "x")
        shown = {x.name: x.inode() for x in os.scandir(self.p())}
        self.assertEqual(shown, {n: os.stat(self.p(n)).st_ino for n in ("d", "f")})
        self.assertEqual(os.stat(self.p("d/..")).st_ino, os.stat(self.p()).st_ino)
        self.assertEqual(os.stat(self.p("d/.")).st_ino, os.stat(self.p("d")).st_ino)


if __name__ == "__main__":
    main()

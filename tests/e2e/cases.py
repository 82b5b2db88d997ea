# SPDX-License-Identifier: Apache-2.0
"""Test-case bases: MountCase shares one mount per class, PosixCase one folder that may also be a plain disk's.

Each test gets a fresh folder `self.d` (mode 0777), so that tests don't see each other. `err` states which errno must come.
"""
import contextlib
import errno
import os
import shutil
import unittest

from harness import NATIVE, Mount, make_temp, old_fuse


class Case(unittest.TestCase):
    def err(self, *codes):
        """with self.err(errno.EACCES): … must fail with one of the codes."""
        return _Err(self, codes)

    def assert_read(self, ranges, wanted):
        """The recorded ranges are just these; with an old libfuse they cover these."""
        if not old_fuse():
            self.assertEqual(ranges, wanted)
        for at, length in wanted:
            self.assertTrue(any(b <= at and at + length <= b + n for b, n in ranges), (ranges, at, length))

    def err_as(self, user, code, action):
        from people import run_as
        codes = code if isinstance(code, tuple) else (code,)
        with self.err(*codes):
            run_as(user, action)


class _Err(contextlib.AbstractContextManager):
    def __init__(self, test, codes):
        self.test, self.codes = test, codes

    def __exit__(self, kind, error, trace):
        names = "/".join(errno.errorcode[c] for c in self.codes)
        if kind is None:
            self.test.fail(f"succeeded, but {names} was due")
        if isinstance(error, OSError) and error.errno in self.codes:
            self.error = error
            return True
        if isinstance(error, OSError):
            self.test.fail(f"{errno.errorcode.get(error.errno, error.errno)} came, but {names} was due: {error}")
        return False


class MountCase(Case):
    """One mount for the class. `options`: keyword arguments of Mount."""
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.m = Mount(**cls.options)
        cls.addClassCleanup(cls.m.cleanup)
        cls.root = cls.m.mnt

    def setUp(self):
        self.name = self._testMethodName
        self.d = os.path.join(self.root, self.name)
        os.mkdir(self.d)
        os.chmod(self.d, 0o777)

    def p(self, *names):
        return os.path.join(self.d, *names)

    def v(self, path):
        """The path as the audit log names it: from the mount's root."""
        return "/" + os.path.relpath(path, self.root)


class PosixCase(Case):
    """For tests that only check POSIX: on a mount under allow-all, or in a plain folder (WARD_E2E_NATIVE)."""

    @classmethod
    def setUpClass(cls):
        if NATIVE:
            cls.root = make_temp()
            cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        else:
            cls.m = Mount()
            cls.addClassCleanup(cls.m.cleanup)
            cls.root = cls.m.mnt

    setUp = MountCase.setUp
    p = MountCase.p

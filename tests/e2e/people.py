# SPDX-License-Identifier: Apache-2.0
"""Other people on the machine: test users, one-shot actions as them, and processes of theirs that live on.

`run_as` forks, so it takes any callable, but the child inherits our descriptors and its exit flushes them: a test that
holds a draft open uses a `Person` made **before** the draft was opened. A Person is a python process with its own user
and session that evaluates what it is told, step by step.
"""
import grp
import os
import pickle
import pwd
import signal
import subprocess
import sys
import unittest

from harness import IS_ROOT, wait_until

ONE, TWO, GROUP = "wardtest1", "wardtest2", "wardtestg"


def require_people():
    """Makes the users once (root only). ONE is in GROUP as a supplementary group, TWO isn't."""
    if not IS_ROOT:
        raise unittest.SkipTest("SKIPPED: needs root, to act as several users")

    def missing(lookup, name):
        try:
            lookup(name)
        except KeyError:
            return True
        return False
    for name in (GROUP, ONE, TWO):
        if missing(grp.getgrnam, name):
            subprocess.run(["groupadd", name])
    for name in (ONE, TWO):
        if missing(pwd.getpwnam, name):
            more = ["-G", GROUP] if name == ONE else []
            subprocess.run(["useradd", "-M", "-d", "/nonexistent", "-s", "/bin/sh", "-g", name, *more, name])
    # Test scripts run in parallel: another one may be the one that makes them.
    wait_until(lambda: not missing(pwd.getpwnam, ONE) and not missing(pwd.getpwnam, TWO), 10, "the test users")


def uid(user):
    return pwd.getpwnam(user).pw_uid


def gid(user):
    return pwd.getpwnam(user).pw_gid


def gid_of(group):
    return grp.getgrnam(group).gr_gid


def become(user, groups=None):
    if user is not None:
        entry = pwd.getpwnam(user)
        if groups is None:
            os.initgroups(user, entry.pw_gid)
        else:
            os.setgroups(groups)
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def run_as(user, action, groups=None, session=False):
    """Runs a callable (or an argv list) as `user` in a child; returns its value, raises its OSError here."""
    if user is not None:
        require_people()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            if session:
                os.setsid()
            become(user, groups)
            value = (subprocess.run(action, capture_output=True, text=True) if isinstance(action, list) else action())
            try:
                answer = pickle.dumps(("ok", value))
            except TypeError:  # an open file, say: that it came about is the answer
                answer = pickle.dumps(("ok", repr(value)))
        except OSError as e:
            answer = pickle.dumps(("errno", (e.errno, str(e), e.filename)))
        except BaseException as e:  # the parent must hear of it, whatever it is
            answer = pickle.dumps(("failed", repr(e)))
        try:
            with os.fdopen(writer, "wb") as out:
                out.write(answer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as f:
        data = f.read()
    os.waitpid(child, 0)
    return _unpack(data)


def _unpack(data):
    kind, value = pickle.loads(data) if data else ("failed", "the child died")
    if kind == "ok":
        return value
    if kind == "errno":
        raise OSError(value[0], value[1], value[2])
    raise AssertionError(f"in the other process: {value}")


class Person:
    """A process of `user` (None: ours) in a session of its own; `shared_session=True` keeps ours."""

    def __init__(self, user=None, shared_session=False, groups=None):
        kwargs = {}
        if user is not None:
            require_people()
            kwargs = {"user": uid(user), "group": gid(user),
                      "extra_groups": groups if groups is not None else os.getgrouplist(user, gid(user))}
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "person_main.py")) as f:
            program = f.read()  # as text: the other user may not be able to enter our folder
        self.process = subprocess.Popen([sys.executable, "-B", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        cwd="/", start_new_session=not shared_session, **kwargs)
        self("True")  # it is up, and has closed whatever descriptors it inherited

    @property
    def pid(self):
        return self.process.pid

    def start(self, code, **names):
        """Sends one expression or statement block; answer() fetches the result."""
        pickle.dump((code, names), self.process.stdin)
        self.process.stdin.flush()

    def answer(self):
        try:
            kind, value = pickle.load(self.process.stdout)
        except EOFError:
            kind, value = "failed", "it died"
        return _unpack(pickle.dumps((kind, value)))

    def __call__(self, code, **names):
        self.start(code, **names)
        return self.answer()

    def kill(self):
        """SIGKILL, and waits until it is gone with all its descriptors."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

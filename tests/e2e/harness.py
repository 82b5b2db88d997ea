# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test stands on: a store of its own, mounted for real, and everything of it removed at the end.

Goal: a test says what a person does on a path and what must then be true. Method: `Mount` runs the real program
(env WARD, default build/release/ward) on a fresh store in a temp folder; it ends only the daemon it started, by pid, and
unmounts only its own mount. A sanitizer report of the daemon fails the test class. Waiting means polling for the thing.
"""
import errno
import functools
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WARD = os.path.abspath(os.environ.get("WARD", os.path.join(REPOSITORY, "build/release/ward")))
NATIVE = os.environ.get("WARD_E2E_NATIVE")  # a folder: the tests that check POSIX only run there instead of on a mount
IS_ROOT = os.geteuid() == 0


def sanitized():
    """Whether the program is built with a sanitizer, and so several times slower."""
    return any(name in read(WARD) for name in (b"__asan_init", b"__tsan_init"))


@functools.lru_cache
def old_fuse():
    """Whether the program has a libfuse before 3.17: no O_TMPFILE, and reads come as the page cache asks."""
    if NATIVE:
        return False
    found = re.search(r"libfuse (\d+)\.(\d+)", ward("--version").stdout)
    return tuple(map(int, found.groups())) < (3, 17)


def require_new_fuse(what):
    if old_fuse():
        raise unittest.SkipTest(f"SKIPPED: {what} needs libfuse 3.17")


def require_fuse():
    """A machine without FUSE fails loudly, unless somebody said that this is expected."""
    if os.path.exists("/dev/fuse"):
        return
    if os.environ.get("WARD_NO_FUSE") == "1":
        raise unittest.SkipTest("SKIPPED: no /dev/fuse, and WARD_NO_FUSE=1 says so")
    raise AssertionError("/dev/fuse is missing: these tests need it (WARD_NO_FUSE=1 skips them)")


def require_mount():
    if NATIVE:
        raise unittest.SkipTest("WARD_E2E_NATIVE is set: only the POSIX tests run")
    require_fuse()


def wait_until(predicate, timeout=10.0, what="the condition"):
    """Polls until predicate() is true and returns its value; an OSError in it counts as not yet."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        try:
            value = predicate()
            if value:
                return value
        except OSError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def ward(*args, check=True, timeout=120, env=None, user=None, stdin=None):
    """Runs the program; returns CompletedProcess with text output."""
    kwargs = {"user": user, "group": user, "extra_groups": []} if user else {}
    done = subprocess.run([WARD, *map(str, args)], capture_output=True, text=True, timeout=timeout, env=env, input=stdin,
                          errors="surrogateescape", **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"ward {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def sh(command, cwd=None, check=True, timeout=120, env=None):
    """A shell line; returns its stdout."""
    done = subprocess.run(["/bin/bash", "-ec", command], cwd=cwd, capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **env} if env else None)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_temp():
    path = tempfile.mkdtemp(prefix="ward-e2e-", dir=NATIVE)
    os.chmod(path, 0o755)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data, mode="wb"):
    with open(path, mode) as f:
        f.write(data.encode() if isinstance(data, str) and "b" in mode else data)


def versions(path):
    """Number of the current version; 0 when nothing was saved yet."""
    try:
        return int(os.getxattr(path, "user.ward.version"))
    except OSError as e:
        if e.errno == errno.ENODATA:
            return 0
        raise


def alive(pid):
    """A zombie counts as gone, once all its threads are."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


class Mount:
    """A store and its mount. `base` is removed by cleanup(); `env` reaches the daemon; `init`: more words for `ward init`."""

    def __init__(self, preset="allow-all", policy=None, options=None, base=None, env=None, mount=True, init=()):
        require_mount()
        self.base = base or make_temp()
        self.own_base = base is None
        self.store, self.mnt = os.path.join(self.base, "store"), os.path.join(self.base, "mnt")
        self.logs = os.path.join(self.base, "sanitizer")
        self.env = {**os.environ, **(env or {})}
        for tool, more in (("ASAN", ":detect_leaks=1"), ("UBSAN", ":print_stacktrace=1"), ("TSAN", "")):
            self.env[f"{tool}_OPTIONS"] = ":".join(
                filter(None, [os.environ.get(f"{tool}_OPTIONS"), f"log_path={self.logs}"])) + more
        self.options, self.pid = options, None
        os.makedirs(self.mnt, exist_ok=True)
        how = ["--preset", preset]
        if policy is not None:
            how = ["--policy", os.path.join(self.base, "first-policy.toml")]
            write(how[1], policy)
        try:
            self.init_output = ward("init", self.store, *how, *init, env=self.env).stdout
            self.vkey = re.search(r"\S+\+[0-9a-f]{8}\+\S+", self.init_output).group(0)
            if mount:
                self.mount()
        except BaseException:
            self.cleanup()
            raise

    def mount(self):
        """`ward mount` returns when the mount answers, so nothing is waited for here."""
        options = ["-o", self.options] if self.options else []
        ward("mount", self.store, self.mnt, *options, env=self.env)
        self.pid = int(self.status()["pid"])

    def path(self, *names):
        return os.path.join(self.mnt, *names)

    def status(self):
        """@@/status: lines `key value`."""
        with open(self.path("@@/status")) as f:
            return dict((line.split(None, 1) + [""])[:2] for line in f.read().splitlines() if line)

    def mounted(self):
        with open("/proc/self/mountinfo") as f:
            return any(line.split()[4] == self.mnt for line in f)

    def umount(self):
        """Clean: returns when the daemon has gone."""
        ward("umount", self.mnt, env=self.env)
        self.gone()

    def gone(self):
        wait_until(lambda: not alive(self.pid), 60, f"daemon {self.pid} to end")
        self.pid = None

    def kill9(self, detach=True):
        """The daemon dies in the middle of whatever it does; the dead mount is taken away, or stays for those who use it."""
        held = os.open(self.mnt, os.O_PATH)  # keeps the forced unmount, which aborts the connection, from unmounting
        os.kill(self.pid, signal.SIGKILL)
        if IS_ROOT:
            subprocess.run(["umount", "-f", self.mnt], capture_output=True)
        os.close(held)
        self.gone()
        if detach:
            self.detach()

    def detach(self):
        """Takes away a mount whose daemon is dead or stuck; -f aborts the connection, so that nobody waits for it."""
        if self.mounted():
            subprocess.run(["umount", "-f", "-l", self.mnt] if IS_ROOT else ["fusermount3", "-uz", self.mnt], check=True)

    def remount(self):
        """As after a restart: unmounts if it is mounted, then mounts the same store."""
        if self.pid is not None:
            self.umount()
        self.mount()

    def records(self, **want):
        """Audit records as dicts, through the mount when there is one, else from the store; see matches()."""
        folder = self.path("@@/audit") if self.pid is not None else os.path.join(self.store, "audit")
        names = sorted(n for n in os.listdir(folder) if n.endswith(".jsonl"))
        lines = b"".join(read(os.path.join(folder, n)) for n in names).split(b"\n")
        assert lines[-1] == b"" or self.pid is None, "the mount serves whole lines only"
        return [r for r in map(json.loads, lines[:-1]) if matches(r, want)]

    def settle(self, path=None):
        """Waits until every handle and draft (of that path in the mount, "/a/b") has ended; returns all its records."""
        def ended():
            records = self.records()
            mine = [r for r in records if path is None or r.get("file", {}).get("path") == path]
            opened = [r["ward"] for r in mine if r["event"]["action"] in ("open", "create")
                      and r["event"]["outcome"] == "success" and r["ward"].get("mode") not in ("list", "truncate")
                      and "@@" not in r["file"].get("path", "")]
            closed = {r["ward"]["handle"] for r in records if r["event"]["action"] == "close"}
            scratch = {r["ward"]["artifact"] for r in records if r["ward"].get("scratch")}
            drafts = {r["ward"]["draft"] for r in records if r["event"]["action"] in ("finalise", "abandon")
                      or r["event"]["action"] == "commit" and r["ward"]["final"]}
            waiting = [w for w in opened if w.get("handle", 0) not in closed | {0}
                       or w.get("draft", 0) not in drafts | {0} and w["artifact"] not in scratch]
            self.unsettled = waiting
            return (mine,) if not waiting else None
        try:
            return wait_until(ended, 10, f"every handle and draft of {path} to end")[0]
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.unsettled}") from None

    def sanitizer_reports(self):
        return "".join(open(f, errors="replace").read() for f in glob.glob(self.logs + ".*"))

    def cleanup(self):
        try:
            if self.mounted():
                subprocess.run(["timeout", "60", WARD, "umount", self.mnt], capture_output=True, env=self.env)
            if self.mounted():
                subprocess.run(["fusermount3", "-u", self.mnt], capture_output=True)
            if self.pid is not None and not self.mounted():
                deadline = time.monotonic() + 30
                while alive(self.pid) and time.monotonic() < deadline:
                    time.sleep(0.01)
        finally:
            self.detach()
            if self.pid is not None and alive(self.pid):
                os.kill(self.pid, signal.SIGKILL)
            self.pid = None
            reports = self.sanitizer_reports()
            if self.own_base:
                shutil.rmtree(self.base, ignore_errors=True)
        if reports:
            raise AssertionError("sanitizer report of the daemon:\n" + reports[:20000])


def matches(record, want):
    """want: action, outcome, path, or any key of `ward` (version=3). A value may be a predicate."""
    for key, value in want.items():
        have = (record["event"].get(key) if key in ("action", "outcome", "reason", "sequence") else
                record.get("file", {}).get("path") if key == "path" else
                record.get("user", {}).get("id") if key == "uid" else record.get("ward", {}).get(key))
        if not (value(have) if callable(value) else have == value):
            return False
    return True


class LoudResult(unittest.TextTestResult):
    """A skipped test is a hole in the proof: its reason is always printed."""

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.stream.writeln(f"\n{test.id()}: {reason}")


def main():
    """As a script: names the program under test first, so that a log says what it is about."""
    if not {"-h", "--help"} & set(sys.argv):
        print(f"{os.path.basename(sys.argv[0])}: {NATIVE or WARD}", file=sys.stderr)
    runner = unittest.TextTestRunner(resultclass=LoudResult, warnings="ignore")  # CPython closes what we don't, at once
    unittest.main(testRunner=runner)

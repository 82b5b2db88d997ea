# SPDX-License-Identifier: Apache-2.0
"""The file systems that scripts/bench compares: each has a folder to work in, and knows how to come and to go.

Native is the file system that the bench's own folder is on, and what all others stand on. The others run with their own
defaults, WardFS under the policy "everyone may do everything" with the audit depth `open` below /open.
"""
import glob
import os
import re
import shutil
import subprocess
import time

POLICY = """format = 1
[[permit]]
name = "allow-all"
who = ["everyone"]
may = ["*"]
[[audit]]
where = ["/open/**"]
depth = "open"
"""


def run(*words, **more):
    """Runs a program to its end; what it has to say is shown only when it fails."""
    done = subprocess.run(list(map(str, words)), stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def mounts():
    """Every mount point, as a path."""
    with open("/proc/self/mountinfo", errors="surrogateescape") as f:
        return [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4]) for line in f]


def mounted(path):
    return path in mounts()


def wait_until(predicate, seconds, what):
    deadline = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


class Native:
    name = "native"
    needs = None  # the program, when it may be missing

    def __init__(self, base):
        self.folder = os.path.join(base, self.name.replace(" ", ""))  # where its files are used
        os.makedirs(self.folder)

    def start(self):
        pass

    def stop(self):
        pass

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def stored(self, path):
        """The files below whose page cache holds the bytes of `path`."""
        return [path]

    @classmethod
    def available(cls):
        return cls.needs is None or shutil.which(cls.needs) is not None


class Stacked(Native):
    """A FUSE file system over a folder of its own."""

    def __init__(self, base):
        super().__init__(base)
        self.source = self.folder + "-source"
        os.makedirs(self.source)

    def command(self):
        return [self.needs, self.source, self.folder]

    def start(self):
        run(*self.command())
        wait_until(lambda: mounted(self.folder), 10, f"the mount of {self.name}")

    def stop(self):
        if mounted(self.folder):
            subprocess.run(["fusermount3", "-u", self.folder], capture_output=True)
        if mounted(self.folder):
            run("umount", "-l", self.folder)

    def stored(self, path):
        return [os.path.join(self.source, os.path.relpath(path, self.folder))]


class Bindfs(Stacked):
    name = needs = "bindfs"


class Mergerfs(Stacked):
    name = needs = "mergerfs"


class Gocryptfs(Stacked):
    name = needs = "gocryptfs"

    def start(self):
        run(self.needs, "-init", "-q", "-scryptn", "10", "-extpass", "echo bench", self.source)
        super().start()

    def command(self):
        return [self.needs, "-q", "-extpass", "echo bench", self.source, self.folder]

    def stored(self, path):
        size = os.path.getsize(path)  # names are encrypted: it is among those that are as large
        return [f for f in glob.glob(self.source + "/*") if os.path.getsize(f) >= size]


class Passthrough(Stacked):
    """libfuse's example, built by scripts/setup bench: what any FUSE file system with kernel passthrough costs."""
    name = "passthrough_hp"
    needs = os.path.join(os.path.dirname(__file__), "../../build/deps/bin/passthrough_hp")

    @classmethod
    def available(cls):
        return os.geteuid() == 0 and super().available()

    def command(self):
        return [self.needs, self.source, self.folder]


class DaemonServed(Passthrough):
    name = "passthrough_hp --nopassthrough"

    def command(self):
        return [self.needs, "--nopassthrough", self.source, self.folder]


class Ward(Native):
    """A store and its mount. Its folders /open and /ranges have the audit depth of that name."""
    name = "ward"

    def __init__(self, base, program, name="ward"):
        self.name, self.program = name, program
        super().__init__(base)
        self.store, self.folder = os.path.join(self.folder, "store"), os.path.join(self.folder, "mount")
        os.makedirs(self.folder)

    def init(self):
        policy = self.store + ".toml"
        with open(policy, "w") as f:
            f.write(POLICY)
        lines = run(self.program, "init", self.store, "--policy", policy).split()
        self.key = next(word for word in lines if word.count("+") >= 2)

    def start(self):
        if not os.path.exists(self.store):
            self.init()
        run(self.program, "mount", self.store, self.folder)
        for depth in ("open", "ranges"):
            os.makedirs(self.path(depth), exist_ok=True)

    def stop(self):
        if not mounted(self.folder):
            return
        pid = self.pid()
        if subprocess.run([self.program, "umount", self.folder], capture_output=True).returncode != 0:
            run("umount", "-l", self.folder)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 60, "the daemon to end")

    def status(self):
        with open(self.path("@@/status")) as f:
            return dict(line.split(None, 1) for line in f if " " in line.strip())

    def pid(self):
        return int(self.status()["pid"])

    def unpublished(self):
        return int(self.status()["unpublished"].split()[0])

    def stored(self, path):
        sha = os.getxattr(path, "user.ward.sha256").decode()
        return [os.path.join(self.store, "history.git/lfs/objects", sha[:2], sha[2:4], sha)]


OTHERS = [Bindfs, Mergerfs, Gocryptfs, Passthrough, DaemonServed]

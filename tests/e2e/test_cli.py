# SPDX-License-Identifier: Apache-2.0
"""The command: its fixed forms, help everywhere, mounting as anybody and by mount(8).

Goal: scripts of users can rely on it. Method: each command on a real store and mount; exit codes as tools/exit_codes.h says.
"""
import os
import re
import shutil
import stat
import subprocess
import unittest

from cases import Case, MountCase
from harness import IS_ROOT, WARD, Mount, alive, main, make_temp, read, require_mount, sh, wait_until, ward, write
from people import ONE, gid, require_people, run_as, uid

COMMANDS = ("init", "mount", "umount", "status", "log", "versions", "lineage", "retention", "why", "audit", "audit verify",
            "fsck", "rebuild")


class Forms(MountCase):
    def test_help(self):
        top = ward("--help").stdout
        for command in COMMANDS:
            self.assertIn(command.split()[-1], top if " " not in command else ward("audit", "--help").stdout)
            self.assertRegex(ward(*command.split(), "--help").stdout, "(?i)usage")
        self.assertRegex(ward("--version").stdout, r"\d+\.\d+")

    def test_wrong_usage(self):
        for args in ((), ("nonsense",), ("mount",), ("init",), ("init", "/x", "--preset", "nonsense"), ("log", "--nonsense")):
            done = ward(*args, check=False)
            self.assertEqual(done.returncode, 2, (args, done.stdout, done.stderr))
            self.assertTrue(done.stderr)

    def test_outside_of_a_mount(self):
        for command in ("status", "versions", "lineage", "retention", "why"):
            done = ward(command, "/tmp", check=False)
            self.assertEqual((done.returncode, len(done.stderr.strip().splitlines())), (13, 1), done.stderr)
        self.assertEqual(ward("versions", self.p("none"), check=False).returncode, 14)

    def test_looking(self):
        f = self.p("model.bin")
        write(f, "one"), write(f, "two")
        self.assertIn(f"pid {self.m.pid}", ward("status", self.m.mnt).stdout)
        self.assertEqual(ward("status", self.m.mnt).stdout.split("\n")[0], read(self.m.path("@@/status")).decode().split("\n")[0])
        shown = ward("versions", f).stdout
        self.assertRegex(shown, r"(?m)^\s*1\b")
        self.assertRegex(shown, r"(?m)^\s*2\b")
        self.assertIn("commit", ward("log", f).stdout)
        self.assertEqual(sh(f"'{WARD}' log --jsonl '{f}' | jq -r .event.action | grep -c commit"), "2\n")
        self.assertEqual(sh(f"'{WARD}' log model.bin | grep -c commit", cwd=self.d), "2\n")
        for command in ("retention", "lineage", "why"):
            ward(command, f)

    def test_status_keys(self):
        for key in ("pid", "records", "published"):
            self.assertRegex(self.m.status()[key], r"^\d+$")
        self.assertEqual(self.m.status()["pid"], str(self.m.pid))


class Mounting(Case):
    def test_init_prints_the_key_to_keep(self):
        m = Mount(mount=False)
        self.addCleanup(m.cleanup)
        self.assertRegex(m.init_output, r"\+[0-9a-f]{8}\+")
        self.assertRegex(m.init_output, "(?i)keep")
        self.assertEqual(os.stat(m.store).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(m.store + "/keys").st_mode & 0o777, 0o700)

    def test_origin_and_presets(self):
        base = make_temp()
        self.addCleanup(shutil.rmtree, base)
        out = ward("init", base + "/s", "--preset", "team", "--origin", "example.org/ward/e2e").stdout
        self.assertIn("example.org/ward/e2e", out)
        self.assertIn("example.org/ward/e2e", read(base + "/s/ward.toml").decode())
        bad = base + "/bad.toml"
        write(bad, "format = 1\n[[permit]]\nname = \n")
        done = ward("init", base + "/t", "--policy", bad, check=False)
        self.assertEqual(done.returncode, 9)
        self.assertRegex(done.stderr, r"line 3")
        self.assertFalse(os.path.exists(base + "/t"))

    def test_foreground(self):
        m = Mount(mount=False)
        self.addCleanup(m.cleanup)
        daemon = subprocess.Popen([WARD, "mount", m.store, m.mnt, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=m.env)
        try:
            wait_until(lambda: m.mounted() and m.status(), 20, "the mount to answer")
            self.assertEqual(int(m.status()["pid"]), daemon.pid)
            write(m.path("f"), "x")
        finally:
            ward("umount", m.mnt)
            self.assertEqual(daemon.wait(60), 0)

    def test_busy_umount_and_fusermount(self):
        m = Mount()
        self.addCleanup(m.cleanup)
        with open(m.path("f"), "w") as f:
            f.write("x")
            done = ward("umount", m.mnt, check=False)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertTrue(m.mounted())
        subprocess.run(["fusermount3", "-u", m.mnt], check=True)
        m.gone()
        m.mount()
        self.assertEqual(read(m.path("f")), b"x")

    def test_read_only_option(self):
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), "x")
        m.options = "ro"
        m.remount()
        with self.err(30):  # EROFS
            write(m.path("g"), "x")
        self.assertEqual(read(m.path("f")), b"x")

    @unittest.skipUnless(IS_ROOT, "SKIPPED: needs root, to act as an ordinary user")
    def test_an_ordinary_user_mounts_its_own_store(self):
        require_mount()
        require_people()
        mode = stat.S_IMODE(os.stat("/dev/fuse").st_mode)
        if mode & 0o006 != 0o006:  # a machine without udev: Debian's rule makes it so for everybody
            os.chmod("/dev/fuse", 0o666)
            self.addCleanup(os.chmod, "/dev/fuse", mode)
        base = make_temp()
        self.addCleanup(shutil.rmtree, base, ignore_errors=True)
        program = base + "/ward"
        shutil.copy(WARD, program)  # the build folder may be closed to the user
        os.chmod(program, 0o755)
        home = base + "/home"
        os.mkdir(home)
        os.chown(home, uid(ONE), gid(ONE))

        def act():
            os.mkdir(home + "/mnt")
            for line in (f"{program} init {home}/s --preset team", f"{program} mount {home}/s {home}/mnt"):
                done = subprocess.run(line.split(), capture_output=True, text=True, cwd=home, env={**os.environ, "HOME": home})
                if done.returncode != 0:
                    return line + ": " + done.stderr
            write(home + "/mnt/f", "mine"), write(home + "/mnt/f", "again")
            seen = os.getxattr(home + "/mnt/f", "user.ward.version"), read(home + "/mnt/f@@/versions/1")
            status = read(home + "/mnt/@@/status").decode()
            done = subprocess.run([program, "umount", home + "/mnt"], capture_output=True, text=True)
            return seen, done.returncode, int(re.search(r"(?m)^pid (\d+)", status).group(1))
        try:
            result = run_as(ONE, act)
            self.assertEqual(result[:2], ((b"2", b"mine"), 0), result)
            wait_until(lambda: not alive(result[2]), 30, "its daemon to end")
        finally:
            subprocess.run(["umount", "-l", home + "/mnt"], capture_output=True)

    @unittest.skipUnless(IS_ROOT, "SKIPPED: needs root, for mount(8)")
    def test_mount_8(self):
        m = Mount(mount=False)
        self.addCleanup(m.cleanup)
        helper = "/sbin/mount.fuse.ward"  # as an installed package has it
        made = not os.path.lexists(helper)
        if made:
            os.symlink(WARD, helper)
        try:
            sh(f"mount -t fuse.ward -o noatime '{m.store}' '{m.mnt}'")
            m.pid = int(m.status()["pid"])
            write(m.path("f"), "x")
            self.assertIn("fuse.ward", sh(f"findmnt -n -o FSTYPE '{m.mnt}'"))
            sh(f"umount '{m.mnt}'")
            m.gone()
        finally:
            if made:
                os.unlink(helper)


if __name__ == "__main__":
    main()

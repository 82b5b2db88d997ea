# SPDX-License-Identifier: Apache-2.0
"""The log's signing key lives in a PKCS#11 token, and never leaves it.

Goal: a log that a token signs is a log like others, checked by code that shares nothing with the program (tlog.py); what
can't be had of the token is refused in one line without the PIN, and changes nothing. Method: SoftHSM tokens in a folder of the
test's own; tokens are pulled out by moving what is in that folder away.
"""
import fcntl
import os
import re
import shutil

import tlog
from cases import Case
from harness import IS_ROOT, Mount, main, make_temp, read, require_mount, ward, write
from softhsm import MODULE, PIN, Tokens


def content(folder):
    """Every file below, but for the lock, which names the last process."""
    return {path: read(path) for where, _, names in os.walk(folder) for path in (os.path.join(where, n) for n in names)
            if os.path.basename(path) != "lock"}


class TokenCase(Case):
    def setUp(self):
        require_mount()
        self.base = make_temp()
        self.addCleanup(shutil.rmtree, self.base, True)
        self.tokens = Tokens(self.base)
        self.tokens.add("log")
        self.tokens.make_key("log", "ward")

    def store(self, uri=None, mount=True):
        m = Mount(base=self.base, env=self.tokens.env, mount=mount, init=("--key", uri or self.tokens.uri()))
        self.addCleanup(m.cleanup)
        return m

    def refused(self, code, pattern, *command):
        done = ward(*command, check=False, env={**os.environ, **self.tokens.env})
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertEqual(1, len(done.stderr.strip().splitlines()), done.stderr)
        self.assertRegex(done.stderr, pattern)
        self.assertNotIn(PIN, done.stdout + done.stderr)
        return done.stderr


class Life(TokenCase):
    def test_a_log_that_a_token_signs_is_a_log_like_others(self):
        m = self.store()
        self.assertFalse(os.path.exists(m.store + "/keys"))
        self.assertIn(f'key = "{self.tokens.uri()}"', read(m.store + "/ward.toml").decode())
        self.assertEqual(self.tokens.public_key("log", "ward"), tlog.parse_vkey(m.vkey)[2])
        write(m.path("model"), "x" * 5000)
        tlog.check_proof(read(m.path("model@@/versions/1.proof")).decode(), m.vkey)  # has a checkpoint signed
        m.umount()
        self.assertGreater(len(m.records()), 6)
        for command in (("fsck", m.store), ("rebuild", m.store), ("fsck", m.store),
                        ("audit", "verify", m.store, "--key", m.vkey)):
            ward(*command, env=m.env)
        self.assertEqual(["fsck", "rebuild", "fsck", "audit verify"],
                         [r["ward"]["command"] for r in m.records(action="maintenance")])
        m.mount()
        self.assertEqual(b"x" * 5000, read(m.path("model")))
        write(m.path("model"), "y")
        tlog.check_proof(read(m.path("model@@/versions/2.proof")).decode(), m.vkey)
        shutil.copytree(m.path("@@/audit"), self.base + "/copy")
        self.assertGreater(len(tlog.check_log(self.base + "/copy", m.vkey)), 12)

    def test_a_pin_in_the_uri_is_shown_nowhere(self):
        m = self.store(f"pkcs11:token=log;object=ward?module-path={MODULE}&pin-value={PIN}")
        self.assertNotIn(PIN, m.init_output)
        self.assertNotIn(PIN.encode(), b"".join(read(m.path("@@", name)) for name in ("status", "audit/today.tsv")))
        m.umount()
        self.assertEqual([m.store + "/ward.toml"], [path for path, data in content(m.store).items() if PIN.encode() in data])
        self.tokens.pull_out()
        self.assertIn("token=log", self.refused(6, "token isn't there", "mount", m.store, m.mnt))

    def test_the_modules_that_are_registered_are_asked_without_a_module_path(self):
        if not os.path.exists("/usr/share/p11-kit/modules/softhsm2.module"):
            self.skipTest("SKIPPED: Debian registers SoftHSM with p11-kit, this system doesn't")
        m = self.store(f"pkcs11:token=log;id=%01?pin-source={self.tokens.pin}")
        tlog.checkpoint(read(m.path("@@/audit/checkpoint")).decode(), m.vkey)


class Init(TokenCase):
    def test_what_has_no_key_makes_no_store(self):
        store = self.base + "/new"
        self.tokens.make_key("log", "other", "02", "EC:prime256v1")
        for label in ("none", "other"):
            message = self.refused(6, "make one: pkcs11-tool", "init", store, "--key", self.tokens.uri(label=label))
            self.assertIn(f"--module {MODULE} --token-label TOKEN --login --keypairgen --key-type EC:edwards25519", message)
        self.refused(6, "its token isn't there", "init", store, "--key", self.tokens.uri(token="none"))
        self.refused(6, "/none.so can't be loaded", "init", store, "--key", self.tokens.uri().replace(MODULE, "/none.so"))
        self.refused(6, "add .pin-source", "init", store, "--key", f"pkcs11:token=log;object=ward?module-path={MODULE}")
        self.refused(3, "PKCS#11 URI", "init", store, "--key", f"pkcs11:nonsense%?pin-value={PIN}")
        done = ward("init", store, "--key", "keys/own.pem", check=False)
        self.assertEqual((done.returncode, "pkcs11:" in done.stderr), (2, True), done.stderr)
        self.assertFalse(os.path.exists(store))

    def test_what_names_several_is_refused(self):
        self.tokens.make_key("log", "ward", "02")
        self.tokens.add("log")
        self.refused(6, "several tokens", "init", self.base + "/new", "--key", self.tokens.uri())
        self.tokens.add("second")
        for number in ("01", "02"):
            self.tokens.make_key("second", "ward", number)
        self.refused(6, "several keys", "init", self.base + "/new", "--key", self.tokens.uri("second"))
        ward("init", self.base + "/new", "--key", self.tokens.uri("second").replace("?", ";id=%02?"),
             env={**os.environ, **self.tokens.env})


class Refusals(TokenCase):
    """A store, made and unmounted; then something is wrong with its key. Nothing changes, and it works again after."""

    def setUp(self):
        super().setUp()
        self.m = self.store()
        write(self.m.path("f"), "x")
        self.m.umount()
        self.before = content(self.m.store)

    def all_refuse(self, pattern, code=6):
        for command in (("mount", self.m.store, self.m.mnt), ("rebuild", self.m.store)):
            self.refused(code, pattern, *command)
        self.assertEqual(self.before, content(self.m.store))

    def works(self):
        self.m.mount()
        self.assertEqual(b"x", read(self.m.path("f")))

    def test_a_wrong_pin(self):
        write(self.tokens.pin, "1111")
        self.all_refuse("(?i)pin.*incorrect")
        write(self.tokens.pin, "")
        self.all_refuse("doesn't hold one")
        write(self.tokens.pin, PIN)  # without a newline it is one too
        self.works()

    def test_a_pin_file_that_others_can_read(self):
        for mode in (0o640, 0o604, 0o620):
            os.chmod(self.tokens.pin, mode)
            self.all_refuse("can be used by others: chmod 600")
        os.chmod(self.tokens.pin, 0o600)
        if IS_ROOT:
            os.chown(self.tokens.pin, 12345, 12345)
            self.all_refuse("belongs to another user")
            os.chown(self.tokens.pin, 0, 0)
        os.rename(self.tokens.pin, self.base + "/away")
        self.all_refuse("No such file")
        os.mkfifo(self.tokens.pin, 0o600)
        self.all_refuse("isn't a file")
        os.rename(self.base + "/away", self.tokens.pin)
        self.works()

    def test_a_token_that_is_away(self):
        self.tokens.pull_out()
        self.all_refuse("its token isn't there")
        self.assertIn("its token isn't there", ward("fsck", self.m.store, check=False, env=self.m.env).stdout)
        # Checking needs no key; it isn't recorded then, and says so.
        done = ward("audit", "verify", self.m.store, "--key", self.m.vkey, check=False, env=self.m.env)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual(self.before, content(self.m.store))
        self.tokens.put_back()
        self.works()

    def test_another_key_under_the_same_name(self):
        self.tokens.pull_out()
        self.tokens.add("log")
        self.tokens.make_key("log", "ward")
        self.all_refuse("isn't the one of vkey")
        self.tokens.put_back()
        self.works()

    def test_a_store_that_somebody_else_can_write_loads_no_module(self):
        config = self.m.store + "/ward.toml"
        os.chmod(config, 0o666)
        self.all_refuse("no PKCS#11 module is loaded", code=3)
        os.chmod(config, 0o600)
        if IS_ROOT:
            for path in (config, self.m.store):
                os.chown(path, 12345, 12345)
                self.all_refuse("no PKCS#11 module is loaded", code=3)
                os.chown(path, 0, 0)
        self.works()

    def test_a_bad_uri(self):
        text = read(self.m.store + "/ward.toml").decode()
        write(self.m.store + "/ward.toml", re.sub("object=ward", "object=%zz", text))
        self.before = content(self.m.store)
        self.all_refuse("PKCS#11 URI", code=3)


class Away(TokenCase):
    def test_a_token_that_goes_while_mounted_ends_the_daemon_and_harms_nothing(self):
        m = self.store()
        write(m.path("f"), "saved")
        tlog.check_proof(read(m.path("f@@/versions/1.proof")).decode(), m.vkey)
        self.tokens.pull_out()
        write(m.path("g"), "saved while it was away")
        m.gone()
        m.detach()
        self.assertIn("its token isn't there", read(m.store + "/daemon.log").decode())
        self.assertEqual(["f", "g"], [r["file"]["path"][1:] for r in m.records(action="commit")])
        self.refused(6, "its token isn't there", "mount", m.store, m.mnt)
        self.tokens.put_back()
        m.mount()
        self.assertEqual(b"saved while it was away", read(m.path("g")))
        tlog.check_proof(read(m.path("g@@/versions/1.proof")).decode(), m.vkey)
        m.umount()
        self.assertIn("verified", ward("audit", "verify", m.store, "--key", m.vkey, env=m.env).stdout)

    def test_a_token_that_never_answers_is_like_one_that_is_away(self):
        m = self.store()
        write(m.path("f"), "saved")
        held = [open(os.path.join(folder, name), "r+") for folder, _, names in os.walk(self.tokens.folder) for name in names]
        for file in held:  # SoftHSM waits for these locks before it signs
            fcntl.lockf(file, fcntl.LOCK_EX)
        write(m.path("g"), "saved while it hung")
        m.gone()
        m.detach()
        self.assertIn("hasn't answered for 20 s", read(m.store + "/daemon.log").decode())
        for file in held:
            file.close()
        m.mount()
        self.assertEqual(b"saved while it hung", read(m.path("g")))
        tlog.check_proof(read(m.path("g@@/versions/1.proof")).decode(), m.vkey)


class Rotation(TokenCase):
    """The log's key moves into a token, to another one there, and out again; who has any of the keys verifies all."""

    def rotate(self, m, *words):
        out = ward("audit", "rotate-key", m.store, *words, env=m.env).stdout
        vkey = re.search(r"\S+\+[0-9a-f]{8}\+\S+", out).group(0)
        m.mount()
        write(m.path("f"), f"signed by {vkey}")
        m.umount()
        return vkey

    def test_a_key_goes_into_a_token_and_out_again(self):
        self.tokens.add("second")
        self.tokens.make_key("second", "next")
        m = Mount(base=self.base, env=self.tokens.env)
        self.addCleanup(m.cleanup)
        m.umount()
        vkeys = [m.vkey, self.rotate(m, "--key", self.tokens.uri()), self.rotate(m, "--key", self.tokens.uri("second", "next"))]
        self.assertEqual([], os.listdir(m.store + "/keys"))
        self.assertEqual([self.tokens.public_key(*words) for words in (("log", "ward"), ("second", "next"))],
                         [tlog.parse_vkey(vkey)[2] for vkey in vkeys[1:]])
        os.rmdir(m.store + "/keys")
        vkeys.append(self.rotate(m))
        self.assertEqual(0o40700, os.stat(m.store + "/keys").st_mode)
        self.assertEqual([0o100600], [os.stat(os.path.join(m.store, "keys", n)).st_mode for n in os.listdir(m.store + "/keys")])
        for vkey in vkeys:
            self.assertIn("verified", ward("audit", "verify", m.store, "--key", vkey).stdout)

    def test_what_is_no_other_key_changes_nothing(self):
        m = self.store()
        m.umount()
        before = read(m.store + "/ward.toml")
        self.refused(2, "the log's key already", "audit", "rotate-key", m.store, "--key", self.tokens.uri())
        self.refused(6, "make one: pkcs11-tool", "audit", "rotate-key", m.store, "--key", self.tokens.uri(label="none"))
        self.refused(6, "its token isn't there", "audit", "rotate-key", m.store, "--key", self.tokens.uri(token="none"))
        self.assertEqual(before, read(m.store + "/ward.toml"))
        self.assertFalse(os.path.exists(m.store + "/audit/rotations"))
        self.assertIn("verified", ward("audit", "verify", m.store, "--key", m.vkey).stdout)


if __name__ == "__main__":
    main()

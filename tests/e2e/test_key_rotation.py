# SPDX-License-Identifier: Apache-2.0
"""The log's key is replaced, and nothing that was signed before loses its worth.

Goal: who holds any of the log's verifier keys verifies all of it; each checkpoint counts only with the key of its time; a crash in
the middle of it leaves a log that goes on. Method: rotations between mounts; signatures checked by openssl; the command killed at
every rename(2); forgeries with the old key.
"""
import base64
import json
import os
import shutil
import signal
import subprocess

import tlog
from cases import Case
from harness import WARD, Mount, main, read, sh, ward, write


def keys(store):
    return sorted(os.listdir(store + "/keys"))


class Rotation(Case):
    def setUp(self):
        self.m = Mount()
        self.addCleanup(self.m.cleanup)
        self.old = self.m.vkey
        write(self.m.path("a"), "one")

    def rotate(self):
        out = ward("audit", "rotate-key", self.m.store).stdout
        return next(word for word in out.split() if "+" in word)

    def verify(self, key, *more, folder=None, exit=0):
        done = ward("audit", "verify", folder or self.m.store, "--key", key, *more, check=False)
        self.assertEqual(done.returncode, exit, done)
        return done.stdout + done.stderr

    def test_both_keys_verify_the_whole_log(self):
        m = self.m
        proof, kept = m.base + "/proof", m.base + "/kept"
        write(proof, read(m.path("a@@/versions/1.proof")))
        write(kept, read(m.path("@@/audit/checkpoint")))
        m.umount()
        before = keys(m.store)
        new = self.rotate()
        self.assertNotEqual(new, self.old)
        self.assertNotEqual(keys(m.store), before)
        self.assertEqual(len(keys(m.store)), 1, "the old private key is gone")
        self.assertIn(new, self.verify(self.old))
        m.mount()
        self.assertEqual(read(m.path("@@/audit/vkey")).decode().strip(), new)
        write(m.path("a"), "two")
        write(m.base + "/proof2", read(m.path("a@@/versions/2.proof")))
        copy = m.base + "/copy"
        sh(f"cp -r '{m.path('@@/audit')}' {copy}")
        tlog.check_log(copy, new)
        for key in (self.old, new):
            self.verify(key, "--checkpoint", kept, folder=copy)
            self.verify(key, "--range", "0-5", folder=copy)
        ward("audit", "verify", "--proof", proof, "--key", self.old)
        ward("audit", "verify", "--proof", m.base + "/proof2", "--key", new)
        done = ward("audit", "verify", "--proof", m.base + "/proof2", "--key", self.old, check=False)
        self.assertEqual(done.returncode, 12)
        self.assertIn("If the log's key was replaced, name", done.stdout)
        for trusted in (self.old, new):  # each is one of the log's keys, as both signed in the folder
            for name in ("/proof", "/proof2"):
                ward("audit", "verify", m.store, "--proof", m.base + name, "--key", trusted)
        m.umount()
        ward("fsck", m.store)
        ward("rebuild", m.store)
        third = self.rotate()
        for key in (self.old, new, third):
            self.verify(key, "--checkpoint", kept)

    def test_the_list_of_rotations_belongs_to_the_log(self):
        m = self.m
        m.umount()
        new = self.rotate()
        os.remove(m.store + "/audit/rotations")
        self.assertIn("rotations lacks record", self.verify(new, exit=12))

    def test_the_record_is_signed_by_both(self):
        self.m.umount()
        new = self.rotate()
        line = read(self.m.store + "/audit/rotations").splitlines()[0]
        record = json.loads(line)
        ward_part = record["ward"]
        origin = self.old.split("+")[0]
        text = f"ward key rotation v1\n{origin}\n{record['event']['sequence']}\n{self.old}\n{new}\n".encode()
        for key, name in ((self.old, "by_old"), (new, "by_new")):
            self.assertTrue(tlog.ed25519(tlog.parse_vkey(key)[2], text, base64.b64decode(ward_part[name])))
        self.assertIn(line, read(self.m.store + "/audit/00000000000000000000.jsonl").splitlines())
        self.assertEqual(record["user"]["id"], os.getuid())

    def test_the_old_key_signs_nothing_any_more(self):
        m = self.m
        m.umount()
        stolen = m.base + "/stolen.pem"
        shutil.copy(m.store + "/keys/" + keys(m.store)[0], stolen)
        new = self.rotate()
        m.remount()
        write(m.path("a"), "two")
        m.umount()
        checkpoint = m.store + "/audit/checkpoint"
        text = read(checkpoint).decode().split("\n\n")[0] + "\n"
        write(m.base + "/text", text)
        sh(f"openssl pkeyutl -sign -rawin -inkey {stolen} -in {m.base}/text -out {m.base}/sig")
        name, key_id, _ = tlog.parse_vkey(self.old)
        forged = f"{text}\n\u2014 {name} {base64.b64encode(key_id + read(m.base + '/sig')).decode()}\n"
        sound = read(checkpoint)
        write(checkpoint, forged.encode())
        for key in (self.old, new):
            self.verify(key, exit=12)
        self.assertNotEqual(ward("mount", m.store, m.mnt, check=False).returncode, 0)
        write(checkpoint, sound)
        self.verify(self.old)

    def test_a_rotation_that_is_none(self):
        m = self.m
        m.umount()
        self.rotate()
        path = m.store + "/audit/rotations"
        sound = read(path).decode()
        record = json.loads(sound)
        stranger = ward("init", m.base + "/other", "--origin", record["ward"]["vkey"].split("+")[0]).stdout
        stranger = next(word for word in stranger.split() if word.count("+") >= 2)
        for forged in (sound.replace(record["ward"]["by_new"], record["ward"]["by_old"]),
                       sound.replace(record["ward"]["vkey"], stranger), sound.replace('"sequence":', '"sequence":1'),
                       sound + sound, sound[:-40], "nonsense\n"):
            write(path, forged)
            told = self.verify(self.old, exit=12)
            self.assertIn("rotations", told)
            self.assertNotIn("rotations lacks", told, "of a damaged file that is no news")
        salt = record["ward"]["salt"]
        write(path, sound.replace(salt, "0" * len(salt)))  # signed, but not the line that is in the log
        self.assertIn("isn't the log's", self.verify(self.old, exit=12))
        os.remove(path)  # then the old key vouches for what it signed only
        self.verify(self.old, exit=12)
        write(path, sound)
        self.verify(self.old)

    def test_a_store_in_use_keeps_its_key(self):
        done = ward("audit", "rotate-key", self.m.store, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("in use", done.stderr)
        self.m.umount()
        self.verify(self.old)
        done = ward("audit", "rotate-key", self.m.base + "/nothing", check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_killed_at_any_step(self):
        m = self.m
        m.umount()
        pristine = m.base + "/pristine"
        sh(f"cp -a {m.store} {pristine}")
        for calls in ("rename,renameat,renameat2", "fsync"):
            with self.subTest(calls):
                self.killed_at_any(calls, pristine)

    def killed_at_any(self, calls, pristine):
        m = self.m
        for step in range(1, 30):
            shutil.rmtree(m.store)
            sh(f"cp -a {pristine} {m.store}")
            trace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={step}"]
            no_leaks = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}  # impossible when traced
            done = subprocess.run([*trace, WARD, "audit", "rotate-key", m.store], capture_output=True, text=True,
                                  env={**os.environ, **no_leaks})
            if done.returncode != -signal.SIGKILL:
                self.assertEqual(done.returncode, 0, done)
                break
            self.assertNotIn("put the key back", ward("fsck", m.store, check=False).stdout, step)
            m.mount()
            write(m.path("a"), f"after {step}")
            m.umount()
            self.verify(self.old)
            self.assertEqual(len(keys(m.store)), 1, step)
            now = read(m.store + "/audit/vkey").decode().strip()
            self.verify(now)
            ward("fsck", m.store)
        self.assertGreater(step, 4)
        self.assertLess(step, 29)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The log is a transparency log that software of others can verify, and a record can be proved by a file.

Goal: C2SP tlog-tiles in the mount, tlog-proofs beside the versions and from `ward audit prove`, checked by code that shares
nothing with the program (tlog.py). Method: a store with a few hundred records; `cp -r MOUNT/@@/audit`; then a look at everything
with the other verifier, with and without damage.
"""
import os
import shutil
import subprocess
import sys

import tlog
from cases import Case
from harness import Mount, main, read, sh, ward, write
from people import ONE, require_people, run_as
from policies import TEAM


class Proofs(Case):
    @classmethod
    def setUpClass(cls):
        cls.m = Mount()
        cls.addClassCleanup(cls.m.cleanup)
        for i in range(200):
            write(cls.m.path(f"f{i % 7}"), f"{i}")
        cls.vkey = cls.m.vkey
        read(cls.m.path("f0@@/versions/1.proof"))  # has a checkpoint signed
        cls.copy = cls.m.base + "/copy"
        sh(f"cp -r '{cls.m.path('@@/audit')}' {cls.copy}")

    def prove(self, record, *more):
        return ward("audit", "prove", record, self.m.path("@@/audit"), *more)

    def test_a_copy_of_the_folder_satisfies_another_verifier(self):
        entries = tlog.check_log(self.copy, self.vkey)
        self.assertGreater(len(entries), 500)
        segment = read(self.copy + "/00000000000000000000.jsonl").split(b"\n")
        self.assertEqual(entries, segment[:len(entries)])
        ward("audit", "verify", self.copy, "--key", self.vkey)

    def test_a_copy_that_is_made_while_the_log_grows(self):
        for i in range(2):
            copy = f"{self.m.base}/moving{i}"
            program = "import os, sys, time\nwhile True: os.listdir(sys.argv[1]), time.sleep(0.01)"
            writer = subprocess.Popen([sys.executable, "-c", program, self.m.mnt])
            try:
                sh(f"cp -r '{self.m.path('@@/audit')}' {copy}")
            finally:
                writer.kill()
                writer.wait()
            tlog.check_log(copy, self.vkey)
            ward("audit", "verify", copy, "--key", self.vkey)

    def test_a_changed_bundle_is_found_by_both(self):
        damaged = self.m.base + "/damaged"
        shutil.copytree(self.copy, damaged)
        path = damaged + "/tile/entries/001"
        data = bytearray(read(path))
        data[1000] ^= 1
        os.chmod(path, 0o644)
        write(path, bytes(data))
        with self.assertRaises(AssertionError):
            tlog.check_log(damaged, self.vkey)
        done = ward("audit", "verify", damaged, "--key", self.vkey, check=False)
        self.assertEqual(done.returncode, 12)
        self.assertIn("tile/entries/001", done.stderr)

    def test_a_lost_bundle_is_found_by_both(self):
        for name in ("000", "001"):
            damaged = self.m.base + "/lost-" + name
            shutil.copytree(self.copy, damaged)
            os.remove(f"{damaged}/tile/entries/{name}")
            with self.assertRaises(FileNotFoundError):
                tlog.check_log(damaged, self.vkey)
            done = ward("audit", "verify", damaged, "--key", self.vkey, check=False)
            self.assertEqual(done.returncode, 12)
            self.assertIn(f"tile/entries/{name} is missing", done.stderr)

    def test_names_in_a_copy_reach_no_terminal(self):
        hostile = self.m.base + "/hostile"
        shutil.copytree(self.copy, hostile)
        for folder in ("", "/tile"):
            write(hostile + folder + "/a\x1b[31m\nverified", "")
        done = ward("audit", "verify", hostile, "--key", self.vkey)
        self.assertNotIn("\x1b", done.stdout)
        self.assertEqual(done.stdout.count("\nverified"), 1)
        self.assertIn("a\\u001b[31m\\u000averified", done.stdout)

    def test_every_version_has_a_proof(self):
        for version in (1, 2, 28):
            text = read(self.m.path(f"f1@@/versions/{version}.proof")).decode()
            index, line = tlog.check_proof(text, self.vkey)
            record = self.m.records(sequence=index)[0]
            self.assertEqual((record["event"]["action"], record["ward"]["version"], record["file"]["path"]),
                             ("commit", version, "/f1"))
            self.assertIn(f'"sequence":{index}'.encode(), line)
        with self.err(2):
            read(self.m.path("f1@@/versions/99.proof"))
        self.assertEqual(sorted(map(int, os.listdir(self.m.path("f1@@/versions")))), list(range(1, 30)))

    def test_the_proof_of_a_save_is_there_at_once(self):
        write(self.m.path("fresh"), "x")
        tlog.check_proof(read(self.m.path("fresh@@/versions/1.proof")).decode(), self.vkey)

    def test_prove_and_verify_offline(self):
        for record in (0, 1, 255, 256, 300):
            proof = f"{self.m.base}/proof-{record}"
            write(proof, self.prove(record).stdout)
            self.assertEqual(tlog.check_proof(read(proof).decode(), self.vkey)[0], record)
            self.assertIn(f"record {record} of", ward("audit", "verify", "--proof", proof, "--key", self.vkey).stdout)
            write(self.m.base + "/line", self.m.records(sequence=record + 1)[0]["event"]["action"])
            done = ward("audit", "verify", "--proof", proof, "--key", self.vkey, "--line", self.m.base + "/line", check=False)
            self.assertEqual(done.returncode, 12)
        done = ward("audit", "verify", "--proof", proof, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--key", done.stderr)
        text = read(proof)
        for i in range(0, len(text), 7):  # whatever is changed in it, and wherever it ends
            for damaged in (text[:i] + bytes([text[i] ^ 1]) + text[i + 1:], text[:i]):
                write(self.m.base + "/damaged-proof", damaged)
                done = ward("audit", "verify", "--proof", self.m.base + "/damaged-proof", "--key", self.vkey, check=False)
                self.assertEqual(done.returncode, 12, (i, damaged, done))
        self.assertIn("damaged-proof: malformed", done.stdout)
        done = ward("audit", "verify", "--proof", proof, "--key", "nonsense", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--key", done.stderr)

    def test_a_range(self):
        done = ward("audit", "verify", self.copy, "--key", self.vkey, "--range", "250-350")
        self.assertIn("101 records of the range", done.stdout)
        damaged = self.m.base + "/damaged-range"
        shutil.copytree(self.copy, damaged)
        path = damaged + "/00000000000000000000.jsonl"
        lines = read(path).split(b"\n")
        lines[300] = lines[300].replace(b'"salt":"', b'"salt":"0', 1)[:-1]
        os.chmod(path, 0o644)
        write(path, b"\n".join(lines))
        done = ward("audit", "verify", damaged, "--key", self.vkey, "--range", "250-350", check=False)
        self.assertEqual(done.returncode, 12)
        self.assertIn("line 301 (record 300)", done.stderr)
        ward("audit", "verify", damaged, "--key", self.vkey, "--range", "0-299")
        for bad in ("5", "9-3", "-1-4", "x-y"):
            self.assertEqual(ward("audit", "verify", self.copy, f"--range={bad}", check=False).returncode, 2)

    def test_what_has_no_proof(self):
        done = ward("audit", "prove", 10_000_000, self.copy, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("isn't covered by a checkpoint yet", done.stderr)
        self.assertIn("SEQ", ward("audit", "prove", "--", -1, self.copy, check=False).stderr)
        done = ward("audit", "prove", 1, self.m.base, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(self.m.base + " holds no checkpoint", done.stderr)


class Growing(Case):
    def test_a_listing_keeps_its_worth_while_tiles_become_full(self):
        """What `cp -r` listed it must find, though the log grows in between: partial tiles go once they are full."""
        for looked_up in (False, True):
            self.grow_after_listing(looked_up)

    def grow_after_listing(self, looked_up):
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), "x")
        read(m.path("f@@/versions/1.proof"))
        tiles, bundles = m.path("@@/audit/tile/0"), m.path("@@/audit/tile/entries")
        self.assertIn("000.p", os.listdir(tiles))
        self.assertIn("000.p", os.listdir(bundles))
        partial = tiles + "/000.p"
        if looked_up:
            known = os.open(partial, os.O_PATH)
            partial = f"/proc/self/fd/{known}"
        while int(m.status()["records"]) < 300:
            os.listdir(m.mnt)
        write(m.path("f"), "y")
        read(m.path("f@@/versions/2.proof"))
        full, bundle = read(tiles + "/000"), read(bundles + "/000")
        for folder in (partial, bundles + "/000.p"):
            self.assertLessEqual({"1", "3", "255"}, set(os.listdir(folder)))
        for width in (1, 3, 255):
            self.assertEqual(read(f"{partial}/{width}"), full[:32 * width])
            self.assertTrue(bundle.startswith(read(f"{bundles}/000.p/{width}")))
        if looked_up:
            os.close(known)
        m.umount()


class TimeStamps(Case):
    """RFC 3161, with an authority made by openssl."""

    def setUp(self):
        self.m = Mount()
        self.addCleanup(self.m.cleanup)
        self.d = self.m.base + "/tsa"
        os.mkdir(self.d)
        write(self.d + "/tsa.cnf", "[tsa]\ndefault_tsa = a\n[a]\nserial = serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n"
              "digests = sha256\nordering = yes\ntsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n"
              "accuracy = secs:1\n[e]\nextendedKeyUsage = critical,timeStamping\n")
        write(self.d + "/serial", "01\n")
        for name in ("ca", "other"):
            sh(f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} -days 30 2>/dev/null",
               cwd=self.d)
        sh("openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa 2>/dev/null && "
           "openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile tsa.cnf -extensions e "
           "-out tsa.pem 2>/dev/null", cwd=self.d)
        write(self.m.path("f"), "x")
        read(self.m.path("f@@/versions/1.proof"))
        self.vkey = self.m.vkey

    def stamp(self, name):
        ward("audit", "timestamp", f"{self.d}/{name}", self.m.path("@@/audit"))
        sh(f"openssl ts -reply -config tsa.cnf -section a -queryfile {name}.tsq -signer tsa.pem -inkey tsa.key -out {name}.tsr 2>/dev/null",
           cwd=self.d)

    def verify(self, checkpoint, reply, authority="ca", check=True):
        return ward("audit", "verify", self.m.store, "--key", self.vkey, "--checkpoint", f"{self.d}/{checkpoint}.checkpoint",
                    "--timestamp", f"{self.d}/{reply}.tsr", "--authorities", f"{self.d}/{authority}.pem", check=check)

    def test_a_stamped_checkpoint(self):
        self.stamp("one")
        sh("openssl ts -verify -data one.checkpoint -in one.tsr -CAfile ca.pem", cwd=self.d)  # another verifier agrees
        sh("openssl ts -verify -queryfile one.tsq -in one.tsr -CAfile ca.pem", cwd=self.d)
        write(self.m.path("g"), "y")
        read(self.m.path("g@@/versions/1.proof"))
        self.stamp("two")
        self.assertNotEqual(read(self.d + "/one.checkpoint"), read(self.d + "/two.checkpoint"))
        self.m.umount()
        for name in ("one", "two"):
            out = self.verify(name, name).stdout
            self.assertRegex(out, r"stamped at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
            self.assertIn("verified", out)
        for checkpoint, reply, authority in (("one", "two", "ca"), ("one", "one", "other"), ("two", "one", "ca")):
            done = self.verify(checkpoint, reply, authority, check=False)
            self.assertEqual(done.returncode, 12, (checkpoint, reply, authority, done.stdout))
            self.assertIn("time stamp", done.stderr)
        write(self.d + "/bad.tsr", b"nonsense")
        self.assertIn("no time stamp reply", self.verify("one", "bad", check=False).stderr)
        damaged = bytearray(read(self.d + "/one.tsr"))
        damaged[len(damaged) // 2] ^= 1
        write(self.d + "/damaged.tsr", bytes(damaged))
        self.assertNotEqual(self.verify("one", "damaged", check=False).returncode, 0)
        done = ward("audit", "verify", self.m.store, "--timestamp", self.d + "/one.tsr", check=False)
        self.assertEqual(done.returncode, 2)


class Rights(Case):
    def test_readers_get_the_proof_and_auditors_the_record_in_it(self):
        require_people()
        m = Mount(policy=TEAM)
        self.addCleanup(m.cleanup)
        os.mkdir(m.path("shared"))
        write(m.path("shared/f"), "x")
        vkey = m.vkey
        mine = read(m.path("shared/f@@/versions/1.proof")).decode()
        theirs = run_as(ONE, lambda: read(m.path("shared/f@@/versions/1.proof"))).decode()
        self.assertIn("\nextra ", mine)
        self.assertNotIn("\nextra ", theirs)
        self.assertEqual(tlog.check_proof(theirs, vkey, tlog.check_proof(mine, vkey)[1])[0], tlog.check_proof(mine, vkey)[0])
        self.err_as(ONE, 13, lambda: os.listdir(m.path("@@/audit/tile/entries")))
        self.err_as(ONE, 13, lambda: read(m.path("@@/audit/tile/entries/000.p/3")))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""PKCS#11 tokens without hardware: SoftHSM's, in a folder of the test's own. Keys are made by OpenSC's pkcs11-tool."""
import os
import re
import shutil

from harness import sh, write

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "73519"  # of every token; no message may hold it


class Tokens:
    def __init__(self, base):
        self.folder, conf = base + "/tokens", base + "/softhsm2.conf"
        os.mkdir(self.folder)
        write(conf, f"directories.tokendir = {self.folder}\nobjectstore.backend = file\nlog.level = ERROR\n")
        # SoftHSM 2.6.1 loses a curve's name (an ASN1_STRING) with each signature; it isn't in the trace itself.
        write(base + "/leaks", "leak:CRYPTO_zalloc\n")
        self.env = {"SOFTHSM2_CONF": conf, "LSAN_OPTIONS": f"suppressions={base}/leaks:print_suppressions=0"}
        self.pin = base + "/pin"
        write(self.pin, PIN + "\n")
        os.chmod(self.pin, 0o600)

    def pull_out(self):
        """All tokens; put_back() brings them back."""
        os.rename(self.folder, self.folder + "-away")
        os.mkdir(self.folder)

    def put_back(self):
        shutil.rmtree(self.folder)
        os.rename(self.folder + "-away", self.folder)

    def add(self, token):
        sh(f"softhsm2-util --init-token --free --label {token} --pin {PIN} --so-pin 99999", env=self.env)

    def tool(self, token, words):
        return sh(f"pkcs11-tool --module {MODULE} --token-label {token} --login --pin {PIN} {words} 2>&1", env=self.env)

    def make_key(self, token, label, number="01", kind="EC:edwards25519"):
        self.tool(token, f"--keypairgen --key-type {kind} --label {label} --id {number}")

    def public_key(self, token, label):
        """As pkcs11-tool shows it: 32 bytes, in a DER OCTET STRING."""
        shown = self.tool(token, f"--list-objects --type pubkey --label {label}")
        return bytes.fromhex(re.search(r"EC_POINT:\s+0420([0-9a-f]{64})\b", shown).group(1))

    def uri(self, token="log", label="ward", source=None, more=""):
        return f"pkcs11:token={token};object={label}?module-path={MODULE}&pin-source=file:{source or self.pin}{more}"

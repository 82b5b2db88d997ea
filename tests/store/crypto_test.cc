// SPDX-License-Identifier: Apache-2.0
// Goal: the door to OpenSSL gives the published answers and refuses everything that isn't canonical.
// Method: RFC vectors (FIPS 180 for SHA-256, RFC 8032 test 1 for Ed25519, RFC 4648 for base64), then altered inputs.
#include "store/crypto.h"

#include <sys/stat.h>

#include <fstream>

#include "store/error.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;

namespace {

Code code_of(const auto& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.code();
  }
  FAIL("expected an Error");
  return Code::usage;
}

std::string_view view(const auto& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("SHA-256 of known texts, whole and in pieces") {
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const auto abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(hex(sha256("abc")) == abc);
  Hasher hasher;
  for (int round = 0; round < 2; ++round) {  // finish() starts over
    hasher.update("a", 1);
    hasher.update("bc", 2);
    CHECK(hex(hasher.finish()) == abc);
  }
  Hasher moved = std::move(hasher);
  moved.update("abc", 3);
  CHECK(hex(moved.finish()) == abc);
  CHECK(hash_from_hex(abc) == sha256("abc"));
}

TEST_CASE("hex digits must be 64 and lower-case") {
  const std::string good = hex(sha256("x"));
  for (auto bad : {good.substr(1), good + "0", "G" + good.substr(1), "A" + good.substr(1), std::string()}) {
    CHECK(code_of([&] { hash_from_hex(bad); }) == Code::corrupt);
  }
}

TEST_CASE("base64 has one spelling") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
  for (auto bad :
       {"Zg", "Zg=", "Zh==", "Zm9=", " Zg==", "Zg==\n", "Zm9v!m9v", "====", "Zg==Zg==", "Z===", "=", "-_-_"}) {
    INFO(bad);
    CHECK(code_of([&] { from_base64(bad); }) == Code::corrupt);
  }
}

TEST_CASE("random numbers differ") {
  CHECK(random64() != random64());
}

TEST_CASE("Ed25519 signs as RFC 8032 says") {
  const Hash seed = hash_from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  const auto key = SigningKey::from_seed(seed);
  CHECK(hex(key.public_key()) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  CHECK(hex(key.sign("")) ==
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "2465"
        "5141438e7a100b");
  const auto signature = key.sign("a message");
  CHECK(verify(key.public_key(), "a message", signature));
  CHECK_FALSE(verify(key.public_key(), "a massage", signature));
  CHECK_FALSE(verify(SigningKey::generate().public_key(), "a message", signature));
  CHECK_FALSE(verify(key.public_key(), "a message", std::span(signature).first(63)));
  auto altered = signature;
  altered[40] ^= 1;
  CHECK_FALSE(verify(key.public_key(), "a message", altered));
}

TEST_CASE("a key file is private, never overwritten, and says why it can't be read") {
  const ward::tests::TempDir folder;
  const auto pem = folder.path() / "log.pem";
  const auto key = SigningKey::generate();
  key.save(pem);
  struct stat st {};
  REQUIRE(::stat(pem.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0600);
  CHECK(view(SigningKey::load(pem).public_key()) == view(key.public_key()));
  CHECK(code_of([&] { SigningKey::generate().save(pem); }) == Code::io);
  CHECK(view(SigningKey::load(pem).public_key()) == view(key.public_key()));
  CHECK(code_of([&] { SigningKey::load(folder.path() / "none.pem"); }) == Code::missing_key);
  std::ofstream(folder.path() / "bad.pem") << "not a key\n";
  CHECK(code_of([&] { SigningKey::load(folder.path() / "bad.pem"); }) == Code::missing_key);
}

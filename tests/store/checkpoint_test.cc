// SPDX-License-Identifier: Apache-2.0
// Goal: our checkpoints are C2SP's, to the byte, and nothing altered passes for one.
// Method: the specification's key, a complete vector made with another implementation, then every byte altered, cut
// and doubled.
#include "store/checkpoint.h"

#include "store/error.h"
#include "store/merkle.h"
#include "tests/catch.h"

using namespace ward::store;

namespace {

const std::string kOrigin = "example.org/gafs/vol1";
const std::string kVkey = "example.org/gafs/vol1+5372285d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const std::string kNote =
    "example.org/gafs/vol1\n3\nA4c6G7Y90Eb6jr9zErYXHswOu3fXS/STsO05Hob0Tg0=\n\n"
    "\xe2\x80\x94 example.org/gafs/vol1 "
    "U3IoXUCRAVxp8XY47ij7fFK9BWSzjXsAPQY/dUPeioguXp0zkrVomf4K/KEkwT5+R2+wRc2FCNABUbQelzZl+qDQ7Qk=\n";

SigningKey key_from(unsigned char first) {
  std::array<unsigned char, 32> seed;
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<unsigned char>(first + i);
  return SigningKey::from_seed(seed);
}

// What a verifier concludes from a note.
std::string verdict(const std::string& text) {
  try {
    const Note note = parse_note(text);
    parse_checkpoint(note);
    switch (check_note(note, parse_vkey(kVkey))) {
      case Signature::good:
        return "good";
      case Signature::absent:
        return "absent";
      case Signature::bad:
        return "bad";
    }
  } catch (const Error& e) {
    CHECK(e.code() == Code::corrupt);
  }
  return "malformed";
}

}  // namespace

TEST_CASE("a verifier key goes there and back, and only as it was") {
  CHECK(to_vkey({kOrigin, key_from(0).public_key()}) == kVkey);
  CHECK(to_vkey(parse_vkey(kVkey)) == kVkey);
  const std::string published = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
  CHECK(to_vkey(parse_vkey(published)) == published);
  for (std::size_t i = 0; i < kVkey.size(); ++i) {
    auto altered = kVkey;
    altered[i] = altered[i] == 'x' ? 'y' : 'x';
    CHECK_THROWS_AS(parse_vkey(altered), Error);
    CHECK_THROWS_AS(parse_vkey(kVkey.substr(0, i)), Error);
  }
  CHECK_THROWS_AS(to_vkey({"a b", {}}), Error);
  CHECK_THROWS_AS(to_vkey({"", {}}), Error);
}

TEST_CASE("three records give the vector's checkpoint") {
  Frontier frontier;
  for (int i = 0; i < 3; ++i) {
    const auto n = std::to_string(i);
    frontier.append(leaf_hash("{\"seq\":" + n + ",\"op\":\"read\",\"path\":\"/m/" + n + "\"}"));
  }
  const Checkpoint checkpoint{kOrigin, 3, frontier.root()};
  CHECK(sign_checkpoint(checkpoint, key_from(0)) == kNote);
  CHECK(parse_checkpoint(parse_note(kNote)) == checkpoint);
  CHECK(verdict(kNote) == "good");
}

TEST_CASE("others' signatures are ignored, a wrong one of ours isn't") {
  const Note note = parse_note(kNote);
  const auto other = sign_note(note.text, "witness.example/w1", key_from(9));
  const auto line = other.substr(other.rfind("\n\n") + 2);
  CHECK(verdict(kNote + line) == "good");
  CHECK(verdict(other) == "absent");
  CHECK(verdict(sign_note(note.text, kOrigin, key_from(9))) == "absent");  // another key of the same name
  CHECK(verdict(note.text + "\n" + line + kNote.substr(kNote.rfind("\n\n") + 2)) == "good");
  auto wrong = kNote;
  wrong.replace(wrong.find("\n3\n"), 3, "\n4\n");
  CHECK(verdict(wrong) == "bad");
  CHECK(verdict(wrong + line) == "bad");
}

TEST_CASE("a checkpoint altered anywhere isn't good") {
  for (std::size_t i = 0; i < kNote.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto altered = kNote;
      altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
      REQUIRE(verdict(altered) != "good");
    }
    REQUIRE(verdict(kNote.substr(0, i)) != "good");
    REQUIRE(verdict(std::string(kNote).insert(i, 1, kNote[i])) != "good");
    REQUIRE(verdict(std::string(kNote).erase(i, 1)) != "good");
  }
  CHECK(verdict(kNote + "\n") == "malformed");
}

TEST_CASE("malformed checkpoints are told apart before any signature counts") {
  const auto key = key_from(0);
  const auto root = base64(std::string(32, 'r'));
  for (const auto& text :
       {std::string("\n3\n") + root + "\n", "o\n03\n" + root + "\n", "o\n-3\n" + root + "\n", "o\n\n" + root + "\n",
        "o\n3\n" + base64("short") + "\n", std::string("o\n3\n"), "o\n99999999999999999999\n" + root + "\n"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_checkpoint(parse_note(sign_note(text, kOrigin, key))), Error);
  }
  CHECK(parse_checkpoint(parse_note(sign_note("o\n3\n" + root + "\nextension\n", kOrigin, key))).size == 3);
  CHECK_THROWS_AS(parse_note("text\n\n"), Error);
  CHECK_THROWS_AS(parse_note("text\n\n\xe2\x80\x94 name AAAAAA==\n"), Error);
}

// SPDX-License-Identifier: Apache-2.0
// Goal: a witness's cosignature counts if it is C2SP's to the byte, and nothing altered passes for one; those that lie
// beside a log are found whatever else lies there.
// Method: a vector made with openssl's command (Ed25519 seed 20..3f, time 1790000000), then every byte altered and cut;
// a folder of good, wrong and foreign files.
#include "store/cosignature.h"

#include <fstream>

#include "store/error.h"
#include "store/witnesses.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using ward::tests::TempDir;

namespace {

constexpr std::uint64_t kTime = 1'790'000'000, kNow = kTime + 60;
const std::string kOrigin = "example.org/gafs/vol1";
const std::string kText = "example.org/gafs/vol1\n3\nA4c6G7Y90Eb6jr9zErYXHswOu3fXS/STsO05Hob0Tg0=\n";
const std::string kNote =
    kText +
    "\n\xe2\x80\x94 example.org/gafs/vol1 "
    "U3IoXUCRAVxp8XY47ij7fFK9BWSzjXsAPQY/dUPeioguXp0zkrVomf4K/KEkwT5+R2+wRc2FCNABUbQelzZl+qDQ7Qk=\n";
const std::string kWitness = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
const std::string kLine =
    "\xe2\x80\x94 witness.example/w1 "
    "IDJKvgAAAABqsTuAg17StFMqUQ+D8FcwhTmzArHQZJtntGQ5iVvDQKBeeEsXxQQq7HWlPNDP4sVr2CAQDhTu"
    "0dBNDSndzmY+NjotDA==\n";

VerifierKey witness() {
  return parse_vkey(kWitness, KeyType::cosignature);
}

std::string error_of(const std::string& reply, const VerifierKey& key, std::uint64_t now = kNow) {
  try {
    return with_cosignature(kNote, reply, key, now);
  } catch (const Error& error) {
    CHECK(error.code() == Code::corrupt);
    return error.what();
  }
}

VerifierKey other_witness() {
  auto other = witness();
  other.name = "witness.example/w2";
  return other;
}

}  // namespace

TEST_CASE("a witness's key is of its own type") {
  CHECK(to_vkey(witness()) == kWitness);
  CHECK_THROWS_AS(parse_vkey(kWitness), Error);
  CHECK_THROWS_AS(
      parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyType::cosignature), Error);
  for (std::size_t i = 0; i < kWitness.size(); ++i) {
    auto altered = kWitness;
    altered[i] = altered[i] == 'x' ? 'y' : 'x';
    CHECK_THROWS_AS(parse_vkey(altered, KeyType::cosignature), Error);
  }
}

TEST_CASE("a cosignature is good with its text, key and time only") {
  const auto check = [](const std::string& note, std::uint64_t now) {
    return check_cosignature(parse_note(note), witness(), now);
  };
  const auto good = check(kNote + kLine, kNow);
  CHECK(good.signature == Signature::good);
  CHECK(good.time == kTime);
  CHECK(check(kNote, kNow).signature == Signature::absent);
  CHECK(check_cosignature(parse_note(kNote + kLine), other_witness(), kNow).signature == Signature::absent);
  CHECK(check_note(parse_note(kNote + kLine),
                   parse_vkey("example.org/gafs/vol1+5372285d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")) ==
        Signature::good);  // the log's own is there as before

  CHECK(check(kNote + kLine, kTime - 600).signature == Signature::good);
  CHECK(check(kNote + kLine, kTime - 601).signature == Signature::bad);

  auto other_text = kNote + kLine;
  other_text.replace(other_text.find("\n3\n"), 3, "\n4\n");
  CHECK(check(other_text, kNow).signature == Signature::bad);
  CHECK(check(kNote + kLine + kLine, kNow).signature == Signature::good);
}

TEST_CASE("no altered byte of a cosignature passes, nor a shorter one") {
  const auto prefix = kLine.rfind(' ') + 1;
  const auto bytes = from_base64(std::string_view(kLine).substr(prefix, kLine.size() - prefix - 1));
  const auto with = [&](const std::string& raw) {
    return check_cosignature(parse_note(kNote + kLine.substr(0, prefix) + base64(raw) + "\n"), witness(), kNow)
        .signature;
  };
  CHECK(with(bytes) == Signature::good);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto altered = bytes;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    CHECK(with(altered) == (i < 4 ? Signature::absent : Signature::bad));
    if (i > 4) CHECK(with(bytes.substr(0, i)) == Signature::bad);
  }
  CHECK(with(bytes + "x") == Signature::bad);
}

TEST_CASE("of a witness's answer only its own lines are taken") {
  CHECK(with_cosignature(kNote, kLine, witness(), kNow) == kNote + kLine);
  auto foreign = kLine;
  foreign.replace(foreign.find("/w1"), 3, "/w9");
  CHECK(with_cosignature(kNote, foreign + kLine, witness(), kNow) == kNote + kLine);
  CHECK(error_of(foreign, witness()).find("has no cosignature by witness.example/w1") != std::string::npos);
  CHECK(error_of("", witness()).find("has no cosignature") != std::string::npos);
  // One that stood there before isn't an answer.
  CHECK_THROWS_AS(with_cosignature(kNote + kLine, foreign, witness(), kNow), Error);
  CHECK(error_of("<html>", witness()).find("malformed") != std::string::npos);
  CHECK(error_of("\n" + kLine, witness()) == "the witness's answer isn't a list of signatures");
  CHECK(error_of(kLine, witness(), kTime - 5000).find("from the future") != std::string::npos);
}

TEST_CASE("what is posted is C2SP's request, to the byte") {
  const Hash a = sha256("a"), b = sha256("b");
  CHECK(add_checkpoint_body(0, {}, kNote) == "old 0\n\n" + kNote);
  CHECK(add_checkpoint_body(2, std::vector{a, b}, kNote) ==
        "old 2\nypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=\nPiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0=\n\n" +
            kNote);
}

TEST_CASE("cosigned checkpoints are found among other files, those of other logs and wrong ones told") {
  const TempDir dir;
  const auto anchors = dir.path() / "anchors";
  const auto find = [&](const std::string& origin) {
    return find_cosigned(dir.path(), std::nullopt, origin, {witness(), other_witness()}, kNow);
  };
  CHECK(find(kOrigin).found.empty());
  std::filesystem::create_directory(anchors);
  const auto put = [&](const std::string& name, const std::string& text) { std::ofstream(anchors / name) << text; };
  put("00000000000000000003.checkpoint", kNote);
  put("00000000000000000003.w", kNote + kLine);
  put("00000000000000000003.w.tmp", kNote + kLine);
  put("00000000000000000003.tsa", std::string("\x30\x82\0\1 no note", 12));
  put("00000000000000000003.large", std::string(2 << 20, 'x'));
  auto search = find(kOrigin);
  REQUIRE(search.found.size() == 1);
  CHECK(search.found[0].file == "anchors/00000000000000000003.w");
  CHECK(search.found[0].checkpoint.size == 3);
  CHECK(search.found[0].time == kTime);
  CHECK(search.notes.empty());
  CHECK(vouched(search)[0].checkpoint == parse_checkpoint(parse_note(kNote)));

  CHECK(largest_cosigned(dir.path(), kOrigin, witness(), kNow) == 3);
  CHECK(largest_cosigned(dir.path(), kOrigin, other_witness(), kNow) == 0);

  auto wrong = kNote + kLine;
  wrong.replace(wrong.find("\n3\n"), 3, "\n4\n");
  put("00000000000000000004.w", wrong);
  search = find(kOrigin);
  CHECK(search.found.size() == 1);
  REQUIRE(search.notes.size() == 1);
  CHECK(search.notes[0].find("00000000000000000004.w: the cosignature of witness.example/w1 is wrong") !=
        std::string::npos);

  search = find("example.org/another");
  CHECK(search.found.empty());
  CHECK(search.notes[0].find("for another log") != std::string::npos);
  CHECK(find_cosigned(dir.path(), kNote + kLine, kOrigin, {witness()}, kNow).found.size() == 2);
  std::ofstream(dir.path() / "checkpoint") << kNote + kLine;
  CHECK(find(kOrigin).found.size() == 2);
}

// SPDX-License-Identifier: Apache-2.0
// Goal: a part of the log is checked without the rest, and what is wrong with it is told from what is wrong with a
// tile. Method: a log of 700 records in segments of 100; ranges of it, with lines, tiles and the checkpoint damaged.
#include <fstream>

#include "store/audit_verify.h"
#include "store/files.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;

namespace {

struct SignedLog {
  TempDir temp;
  std::filesystem::path audit = temp.path() / "audit";
  SignedLog() {
    AuditLog::create(audit);
    auto log = open_log(audit, 100);
    append_lines(log, 700);
    log.sync();
    log.checkpoint();
    append_lines(log, 20);
  }
  Verification check(Sequence from, Sequence to) const { return verify_range({audit, log_vkey(), {}}, from, to); }
  void flip(const std::string& file, std::size_t at) const {
    auto bytes = read_file(audit / file);
    bytes.at(at) = static_cast<char>(bytes[at] ^ 1);
    std::ofstream(audit / file, std::ios::trunc | std::ios::binary) << bytes;
  }
};

}  // namespace

TEST_CASE("any part of an honest log is verified", "[range]") {
  const SignedLog log;
  const auto part = GENERATE(std::pair<Sequence, Sequence>{0, 1}, std::pair<Sequence, Sequence>{99, 101},
                             std::pair<Sequence, Sequence>{250, 600}, std::pair<Sequence, Sequence>{0, 700});
  const auto result = log.check(part.first, part.second);
  CHECK(result.verdict == Verdict::verified);
  CHECK(result.records == part.second - part.first);
  CHECK(result.problems.empty());
  CHECK(result.notes.empty());
}

TEST_CASE("records that aren't signed yet are told", "[range]") {
  const SignedLog log;
  const auto result = log.check(690, 710);
  CHECK(result.verdict == Verdict::verified);
  CHECK(result.records == 10);
  REQUIRE(result.notes.size() == 1);
  CHECK(result.notes[0].find("covers 700 records") != std::string::npos);
}

TEST_CASE("a range that nothing was signed for isn't verified", "[range]") {
  const SignedLog log;
  for (const auto& [from, to] : {std::pair<Sequence, Sequence>{700, 710}, {10'000, 10'001}}) {
    const auto result = log.check(from, to);
    CHECK(result.verdict == Verdict::no_checkpoint);
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].find("covers 700 records: none of the range") != std::string::npos);
  }
}

TEST_CASE("a changed line is named by a range that holds it, and by no other", "[range]") {
  const SignedLog log;
  log.flip(segment_name(300), read_file(log.audit / segment_name(300)).find("\"salt\"") + 1);
  CHECK(log.check(0, 300).verdict == Verdict::verified);
  CHECK(log.check(301, 700).verdict == Verdict::verified);
  const auto result = log.check(295, 305);
  CHECK(result.verdict == Verdict::damaged);
  CHECK(result.bad_line == BadLine{segment_name(300), 1, 300});
  CHECK(result.records == 5);
  CHECK(log.check(300, 301).verdict == Verdict::damaged);
  CHECK(log.check(300, 301).records == 0);
}

TEST_CASE("lines that are missing at the end are missed", "[range]") {
  const SignedLog log;
  for (const Sequence first : {600, 700}) std::filesystem::remove(log.audit / segment_name(first));
  CHECK(log.check(500, 600).verdict == Verdict::verified);
  const auto result = log.check(595, 605);
  CHECK(result.verdict == Verdict::damaged);
  CHECK(result.problems == std::vector<std::string>{"the log ends before record 600"});
}

TEST_CASE("a changed tile isn't taken for a changed line", "[range]") {
  const SignedLog log;
  log.flip("tile/0/001", 40);
  const auto result = log.check(256, 270);
  CHECK(result.verdict == Verdict::damaged);
  CHECK_FALSE(result.bad_line);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].find("tile/0/001") != std::string::npos);
  std::filesystem::remove(log.audit / "tile/0/001");
  CHECK(log.check(256, 270).problems[0].find("tile/0/001") != std::string::npos);
}

TEST_CASE("the evidence is as good as the key", "[range]") {
  const SignedLog log;
  CHECK(verify_range({log.audit, {}, {}}, 5, 6).verdict == Verdict::self_consistent_only);
  const auto other = to_vkey({kOrigin, SigningKey::generate().public_key()});
  CHECK(verify_range({log.audit, other, {}}, 5, 6).verdict == Verdict::key_mismatch);
  const auto sound = read_file(log.audit / "checkpoint");
  const auto later = sound.find("\n700\n");
  std::ofstream(log.audit / "checkpoint") << std::string(sound).replace(later, 5, "\n699\n");
  CHECK(log.check(5, 6).verdict == Verdict::damaged);
  CHECK(log.check(5, 6).problems[0] == "the signature of the checkpoint is wrong");
  std::filesystem::remove(log.audit / "checkpoint");
  CHECK(log.check(5, 6).verdict == Verdict::no_checkpoint);
}

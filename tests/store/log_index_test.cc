// SPDX-License-Identifier: Apache-2.0
// Goal: a question about one artifact gets the lines that a scan of the log would give, whatever state the index is in.
// Method: a log in segments of 100 whose lines name artifacts in several ways; the index complete, missing, damaged, of
// other bytes.
#include "store/log_index.h"

#include <fstream>
#include <random>

#include "store/json_text.h"
#include "store/log_keeper.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

std::string line(Sequence sequence, const std::string& ward, int minute = 0) {
  const auto two = std::to_string(10 + minute % 50);
  return R"({"@timestamp":"2026-11-23T10:)" + two + R"(:05.123456Z","event":{"sequence":)" + std::to_string(sequence) +
         R"(,"action":"test"},"ward":{)" + ward + "}}";
}

struct Indexed {
  TempDir temp;
  fs::path audit = temp.path() / "audit", index = temp.path() / "index";
  std::vector<std::string> lines;

  Indexed() {
    std::mt19937 random(5);
    for (Sequence i = 0; i < 1050; ++i) {
      std::string ward = R"("artifact":)" + std::to_string(random() % 20);
      if (i % 3 == 0) ward += R"(,"inputs":[{"artifact":)" + std::to_string(random() % 20) + R"(},{"artifact":7}])";
      if (i % 50 == 7) ward = R"("salt":"no artifact \"artifact\":7")";
      if (i == 500) ward += R"(,"long":")" + std::string(60'000, 'x') + '"';
      lines.push_back(line(i, ward, static_cast<int>(i / 30)));
    }
    fs::create_directory(index);
    AuditLog::create(audit);
    auto log = open_log(audit, 100);
    log.append(lines);
  }
  void look_after() const {
    ward::store::look_after(audit, index, 1050, [] { return false; });
  }
  std::vector<std::string> ask(Id artifact) const {
    LogFilter filter;
    filter.artifact = artifact;
    return answers(audit, index, filter);
  }
  std::vector<std::string> scan(Id artifact) const {
    std::vector<std::string> found;
    const auto needle = "\"artifact\":" + std::to_string(artifact);
    for (const auto& text : lines)
      if (text.find(needle + ",") != text.npos || text.find(needle + "}") != text.npos) found.push_back(text);
    return found;
  }
  std::size_t indexes() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(index), fs::directory_iterator()));
  }
  fs::path one() const { return index / "00000000000000000300.idx"; }
};

}  // namespace

TEST_CASE("with and without an index the answer is the same", "[index]") {
  Indexed log;
  for (Id artifact = 0; artifact < 22; ++artifact) CHECK(log.ask(artifact) == log.scan(artifact));
  log.look_after();
  CHECK(log.indexes() == 10);  // the open segment has none
  for (Id artifact = 0; artifact < 22; ++artifact) {
    INFO(artifact);
    CHECK(log.ask(artifact) == log.scan(artifact));
  }
  CHECK(log.ask(7).size() > 300);
}

TEST_CASE("indexing is taken up where it was stopped", "[index]") {
  Indexed log;
  int left = 3;
  ward::store::look_after(log.audit, log.index, 1050, [&] { return left-- == 0; });
  CHECK(log.indexes() == 3);
  log.look_after();
  CHECK(log.indexes() == 10);
}

TEST_CASE("an index that lies about its segment is not believed", "[index]") {
  Indexed log;
  log.look_after();
  const auto sound = read_file(log.one());
  std::mt19937 random(9);
  for (int i = 0; i < 400; ++i) {
    auto damaged = sound;
    if (i % 4 == 0) damaged.resize(random() % damaged.size());
    // Not the count or the place of a key's lines: a shorter list is believed, as a missing line is.
    if (!damaged.empty())
      damaged[random() % std::min<std::size_t>(damaged.size(), 32)] ^= static_cast<char>(1 + random() % 255);
    std::ofstream(log.one(), std::ios::trunc | std::ios::binary) << damaged;
    INFO(i);
    REQUIRE(log.ask(7) == log.scan(7));
  }
  auto shifted = sound;
  for (std::size_t at = sound.size() - 4 * 20; at < sound.size(); ++at) shifted[at] ^= 1;  // offsets of no line
  std::ofstream(log.one(), std::ios::trunc | std::ios::binary) << shifted;
  for (Id artifact = 0; artifact < 20; ++artifact) REQUIRE(log.ask(artifact) == log.scan(artifact));
}

TEST_CASE("who asks again gets what came since", "[index]") {
  Indexed log;
  const auto last = segments(log.audit).back();
  const auto head = log.lines[1000].size() + 1 + log.lines[1001].size() + 1;
  std::vector<std::string> found;
  each_line(last, head, [&](std::string_view text) { found.emplace_back(text); });
  CHECK(found == std::vector(log.lines.begin() + 1002, log.lines.end()));
  found.clear();
  candidates(log.index, last, head, {}, [&](std::string_view text) {
    if (names_artifact(text, 7)) found.emplace_back(text);
  });
  auto expected = log.scan(7);
  std::erase_if(expected, [](const std::string& text) { return sequence_of(text) < 1002; });
  CHECK(found == expected);
}

TEST_CASE("a segment's times are the earliest and the latest of its lines", "[index]") {
  Indexed log;
  const auto all = segments(log.audit);
  const auto scanned = times_of(log.index, all[3]);
  log.look_after();
  const auto indexed = times_of(log.index, all[3]);
  CHECK(scanned.first == indexed.first);
  CHECK(scanned.last == indexed.last);
  CHECK(indexed.first == parse_time("2026-11-23T10:20:05.123456Z"));
  CHECK(indexed.last == parse_time("2026-11-23T10:23:05.123456Z"));
}

TEST_CASE("only days that have lines are listed, though the clock jumped", "[index]") {
  TempDir temp;
  const auto audit = temp.path() / "audit", index = temp.path() / "index";
  fs::create_directory(index);
  AuditLog::create(audit);
  auto log = open_log(audit, 100);
  for (Sequence i = 0; i < 150; ++i) {
    auto text = line(i, R"("artifact":1)");
    if (i % 100 == 40) text.replace(15, 10, "1971-03-04");
    log.append(std::vector{text});
  }
  const auto both = [&](const Segment& segment) {
    CHECK(days_of(index, segment) == std::set<std::string>{"1971-03-04", "2026-11-23"});
    CHECK(has_day(index, segment, "1971-03-04"));
    CHECK_FALSE(has_day(index, segment, "1999-01-01"));
  };
  for (const Segment& segment : segments(audit)) both(segment);
  ward::store::look_after(audit, index, 150, [] { return false; });
  for (const Segment& segment : segments(audit)) both(segment);
}

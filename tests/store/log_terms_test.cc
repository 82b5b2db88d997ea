// SPDX-License-Identifier: Apache-2.0
// Goal: a question with any conditions gets the records that reading the whole log would give, from an index that is
// new, old, damaged or missing; and questions written as file names come back as they were. Method: records of users,
// programs and paths with hostile names; questions made of what random records hold, alone and together.
#include "store/log_terms.h"

#include <filesystem>
#include <fstream>
#include <random>

#include "store/log_index.h"
#include "store/log_keeper.h"
#include "store/log_question.h"
#include "store/record_json.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

constexpr Nanos kStart = 1'795'428'245'123'456'000, kMinute = 60'000'000'000;
const std::vector<std::string> kNames = {"ann", "bob", "1007", "o\"br\\ien", "żółw", "a,b/c%", "tab\there", "@@", ""};
const std::vector<std::string> kPrograms = {"/usr/bin/python3", "/opt/\"odd\"/to,ol", "/bin/\xff\xfe", "/x", ""};

std::vector<std::string> paths() {
  return {"/",
          "/models/a.bin",
          "/models/a.bin.bak",
          "/models/deep/er/b",
          "/mödels/\"q\\\"/c",
          "/line\nbreak/d",
          "/bad\xff/e",
          "/" + std::string(5'000, 'x') + "/f",
          ""};
}

class Random {
 public:
  std::uint64_t below(std::uint64_t limit) { return generator_() % limit; }
  template <class T>
  const T& of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

 private:
  std::mt19937_64 generator_{11};
};

Sha256 sha(std::uint64_t number) {
  auto text = std::to_string(number * 7'919'000'077);
  return text + std::string(64 - text.size(), 'c');
}

Record random_record(Random& random, Sequence sequence) {
  Record record;
  record.sequence = sequence;
  record.time = kStart + static_cast<Nanos>(sequence) * kMinute;
  const auto user = static_cast<std::uint32_t>(random.below(9)), login = static_cast<std::uint32_t>(random.below(9));
  record.user = {1000 + user, kNames[user], 100, 1000 + login, kNames[login]};
  record.process = {static_cast<std::int32_t>(random.below(50)), "51d2e0b" + std::to_string(random.below(9)),
                    random.of(kPrograms)};
  const auto places = paths();
  record.path = random.of(places);
  switch (random.below(5)) {
    case 0:
      record.reason = "denied", record.payload = Refusal{"open", random.below(30), 1, "w", "EACCES", 1};
      break;
    case 1:
      record.payload =
          Rename{random.below(30), 1, {1, "a"}, {1, "b"}, false, false, false, 0, 0, random.of(places), {}};
      break;
    case 2:
      record.payload = Unchanged{random.below(30), 2, 3, sha(random.below(6)), {}, {}};
      break;
    default:
      record.payload = Read{random.below(30), 1, sha(random.below(6)), 4, 1, true, 1, 5, {{0, 5}}};
  }
  return record;
}

/// A condition that the record fulfils, in the words of `ward log`.
std::pair<std::string, std::string> condition(Random& random, const Record& record) {
  const auto place = fs::path(record.path);
  const auto line = to_line(record, "h");
  switch (random.below(11)) {
    case 0:
      return {"user", random.below(2) == 0 ? record.user.name : std::to_string(record.user.id)};
    case 1:
      return {"login-user", random.below(2) == 0 ? record.user.login_name : std::to_string(record.user.login)};
    case 2:
      return {"process", random.below(2) == 0 ? record.process.executable : record.process.entity_id};
    case 3:
      return {"process", random.below(2) == 0 ? fs::path(record.process.executable).filename().string()
                                              : std::to_string(record.process.pid)};
    case 4:
      return {"path", random.below(2) == 0 ? place.string() : (place.parent_path() / "*").string()};
    case 5:
      return {"path", random.of(std::vector<std::string>{"/models/**", "/**/b", "a.bin*", "/m*/a.bin", "/**"})};
    case 6:
      return {"outcome", record.reason.empty() ? "success" : "failure"};
    case 7:
      return {"action", std::string(action_of(line))};
    case 8:
      return {"sha256", sha(random.below(6)).substr(0, 1 + random.below(64))};
    case 9:
      return {"since", line.substr(15, 10)};
    default:
      return {random.below(2) == 0 ? "since" : "until", std::to_string(random.below(330)) + "m"};
  }
}

struct Log {
  TempDir temp;
  fs::path audit = temp.path() / "audit", index = temp.path() / "index";
  std::vector<Record> records;
  std::vector<std::string> lines;
  Random random;

  Log() {
    for (Sequence i = 0; i < 350; ++i) {
      records.push_back(random_record(random, i));
      lines.push_back(to_line(records.back(), "host"));
    }
    fs::create_directory(index);
    AuditLog::create(audit);
    open_log(audit, 100).append(lines);
  }
  Nanos now() const { return records.back().time; }
  void look_after() const {
    ward::store::look_after(audit, index, 350, [] { return false; });
  }
  /// As many conditions as say, all of one record.
  std::vector<std::pair<std::string, std::string>> conditions(std::uint64_t count) {
    std::vector<std::pair<std::string, std::string>> all;
    const auto& record = random.of(records);
    while (all.size() < count)
      if (auto one = condition(random, record); !one.second.empty()) all.push_back(std::move(one));
    return all;
  }
  LogFilter filter(const std::vector<std::pair<std::string, std::string>>& conditions) const {
    LogFilter made;
    for (const auto& [key, value] : conditions) REQUIRE(add_condition(made, key, value, now()).empty());
    return made;
  }
  std::vector<std::string> scan(const LogFilter& wanted) const {
    std::vector<std::string> found;
    for (const auto& line : lines)
      if (wanted.may_match(line) && wanted.matches(line)) found.push_back(line);
    return found;
  }
  std::vector<std::string> ask(const LogFilter& wanted) const { return answers(audit, index, wanted); }
};

}  // namespace

TEST_CASE("every record that answers is found by the index", "[index]") {
  Log log;
  log.look_after();
  std::size_t answers = 0;
  for (int i = 0; i < 200; ++i) {
    const auto conditions = log.conditions(1 + log.random.below(3));
    std::string told;
    for (const auto& [key, value] : conditions) told += key + '=' + value.substr(0, 99) + ' ';
    INFO(told);
    const auto filter = log.filter(conditions);
    const auto found = log.ask(filter);
    REQUIRE(found == log.scan(filter));
    answers += found.size();
  }
  CHECK(answers > 4'000);
}

TEST_CASE("what answers has each term of the question", "[index]") {
  Log log;
  int known = 0;
  for (int i = 0; i < 60; ++i) {
    const auto filter = log.filter(log.conditions(1));
    for (const Term wanted : terms_of(filter))
      for (const auto& line : log.scan(filter)) {
        bool has = false;
        terms_of(line, [&](Term term) { has = has || term == wanted; });
        INFO(line);
        REQUIRE(has);
        ++known;
      }
  }
  CHECK(known > 500);
}

TEST_CASE("a rare word is found without reading the whole segment", "[index]") {
  Log log;
  log.look_after();
  LogFilter filter;
  REQUIRE(add_condition(filter, "user", "nobody", log.now()).empty());
  std::size_t read = 0;
  for (const Segment& segment : segments(log.audit))
    candidates(log.index, segment, 0, filter, [&](std::string_view) { ++read; });
  CHECK(read == 50);  // those of the open segment, which has no index
  filter = {};
  REQUIRE(add_condition(filter, "until", "250m", log.now()).empty());
  read = 0;
  for (const Segment& segment : segments(log.audit))
    candidates(log.index, segment, 0, filter, [&](std::string_view) { ++read; });
  CHECK(read == 150);  // 100 answer; a segment is read or not, and the open one is
}

TEST_CASE("an index whose header, keys or lines changed hides nothing that it can know of", "[index]") {
  Log log;
  log.look_after();
  const auto file = log.index / "00000000000000000200.idx";
  const auto sound = read_file(file);
  LogFilter filter;
  REQUIRE(add_condition(filter, "user", "ann", log.now()).empty());
  const auto expected = log.scan(filter);
  for (std::size_t at = 0; at < 64; ++at) {  // the header: what it says of times and counts
    auto damaged = sound;
    damaged[at] ^= 16;
    std::ofstream(file, std::ios::trunc | std::ios::binary) << damaged;
    INFO(at);
    REQUIRE(log.ask(filter) == expected);
  }
  auto shifted = sound;
  std::uint32_t lines = 0;
  std::memcpy(&lines, sound.data() + 52, sizeof lines);
  for (std::size_t at = sound.size() - 4UL * lines; at < sound.size(); at += 4) shifted[at] ^= 1;
  std::ofstream(file, std::ios::trunc | std::ios::binary) << shifted;
  CHECK(log.ask(filter) == expected);
}

TEST_CASE("a question comes back from its name", "[index]") {
  Log log;
  for (int i = 0; i < 60; ++i) {
    const auto conditions = log.conditions(2);
    const auto name = question_name(conditions);
    if (!name) continue;  // the long path
    CHECK(name->find('/') == name->npos);
    auto parsed = parse_question(*name, log.now());
    REQUIRE(std::holds_alternative<LogFilter>(parsed));
    CHECK(log.scan(std::get<LogFilter>(parsed)) == log.scan(log.filter(conditions)));
  }
  CHECK(question_name({}) == "all");
  CHECK(question_name({{"path", "/" + std::string(300, 'a')}}) == std::nullopt);
}

TEST_CASE("a question that means nothing is told what is wrong with it", "[index]") {
  const auto wrong = [](const std::string& name) {
    const auto parsed = parse_question(name, kStart);
    REQUIRE(std::holds_alternative<std::string>(parsed));
    return std::get<std::string>(parsed);
  };
  CHECK(wrong("usr=ann").find("usr=ann: no such condition: user, ") == 0);
  CHECK(wrong("user=ann,since=yesterday").find("since=yesterday: a time as 2026-") == 0);
  CHECK(wrong("user=%2").find("expected key=value") != std::string::npos);
  CHECK(wrong("user=%zz").find("expected key=value") != std::string::npos);
  CHECK(wrong("user").find("expected key=value") != std::string::npos);
  CHECK(wrong("user=").find("it is empty") != std::string::npos);
  CHECK(wrong("user=ann,,").find("expected key=value") != std::string::npos);
  CHECK(wrong("artifact=12x").find("an artifact's number, not \"12x\"") != std::string::npos);
  CHECK(wrong("outcome=maybe").find("success or failure") != std::string::npos);
  CHECK(wrong("sha256=xyz").find("up to 64 hex digits") != std::string::npos);
  CHECK(wrong("path=[").find("path=[: ") == 0);
  CHECK(wrong("action=\x1b[2J=,x=").find("\x1b") == std::string::npos);
}

// SPDX-License-Identifier: Apache-2.0
// Goal: a record and its line say the same, for every record; a line is one line of valid JSON whatever bytes users
// put into names; nothing but our own spelling is read.
// Method: random records of every action (names of random bytes included) go there and back, checked with an
// independent JSON parser; one record is compared byte for byte; each line is damaged in many ways.
#include "store/record_json.h"

#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "store/crypto.h"
#include "store/error.h"
#include "store/json_text.h"
#include "tests/catch.h"

using namespace ward::store;

namespace {

// The third visitor: fills fields with random values.
class Filler {
 public:
  explicit Filler(std::mt19937_64& random) : random_(random) {}

  template <class T>
  void operator()(const char*, T& x) {
    fill(x);
  }
  template <class T, class... Default>
  void opt(const char*, T& x, Default...) {
    if (random_() % 2) fill(x);
  }
  void name(const char*, std::string& x) { fill(x); }
  void name_opt(const char*, std::string& x) { fill(x); }
  void path(const char*, std::string& x) {
    fill(x);
    std::erase(x, '\0');  // no path has one
  }
  void paths_opt(const char*, std::vector<std::string>& x) { fill(x); }
  void place(const char*, Place& x) { fill(x.dir), fill(x.name); }
  void time(const char*, Nanos& x) { x = static_cast<Nanos>(number()); }
  void time_opt(const char*, Nanos& x) { x = static_cast<Nanos>(number()); }
  void time_opt(const char*, std::optional<Nanos>& x) {
    if (random_() % 2) x = 1 + static_cast<Nanos>(random_() >> 1);
  }

  std::string text() {
    static const std::string pieces[] = {"model",
                                         "/",
                                         "é",
                                         "模型",
                                         "😀",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\r",
                                         "\x1b[31m",
                                         "\x7f",
                                         "\xc2\x85",
                                         "\u202e",
                                         "\u2066",
                                         "\u2028",
                                         "\u200f",
                                         "\u061c",
                                         "\xff",
                                         "\xc0\xaf",
                                         "\xed\xa0\x80",
                                         "\xf4\x90\x80\x80",
                                         "\xe2\x80",
                                         "{",
                                         "}",
                                         " ",
                                         std::string(1, '\0')};
    std::string s;
    for (auto n = random_() % 6; n > 0; --n) s += pieces[random_() % std::size(pieces)];
    if (random_() % 8 == 0) s += static_cast<char>(random_());
    return s;
  }
  std::uint64_t number() {
    switch (random_() % 4) {
      case 0:
        return 0;
      case 1:
        return random_() % 1000;
      case 2:
        return (std::uint64_t{1} << 53) - 1 + random_() % 3;
      default:
        return random_();
    }
  }

 private:
  void fill(bool& x) { x = random_() % 2; }
  void fill(std::string& x) { x = text(); }
  void fill(Kind& x) { x = static_cast<Kind>(random_() % 7); }
  void fill(Range& x) { fill(x.offset), fill(x.length); }
  template <std::integral T>
  void fill(T& x) {
    x = static_cast<T>(number());
  }
  template <class T>
  void fill(std::vector<T>& x) {
    for (auto n = random_() % 4; n > 0; --n) fill(x.emplace_back());
  }
  template <class T>
  void fill(std::optional<T>& x) {
    fill(x.emplace());
  }
  template <class T>
  requires requires(T& x, Filler& f) { x.fields(f); }
  void fill(T& x) { x.fields(*this); }

  std::mt19937_64& random_;
};

template <std::size_t i = 0>
Payload nth_payload(std::size_t n, Filler& filler) {
  if constexpr (i < std::variant_size_v<Payloads>) {
    if (n != i) return nth_payload<i + 1>(n, filler);
    std::variant_alternative_t<i, Payloads> payload;
    payload.fields(filler);
    return payload;
  } else {
    throw std::logic_error("no such payload");
  }
}

std::string without_nul(std::string s) {
  std::erase(s, '\0');
  return s;
}

Record random_record(std::mt19937_64& random, std::size_t kind) {
  Filler filler(random);
  Record r;
  r.time = static_cast<Nanos>(random() % 4'000'000'000'000'000) * 1000;
  r.sequence = filler.number();
  r.reason = filler.text();
  r.user = {static_cast<std::uint32_t>(random()), filler.text(), 5, static_cast<std::uint32_t>(random()),
            filler.text()};
  if (random() % 2)
    r.process = {static_cast<std::int32_t>(random() % 99999) + 1, "51d2e0b4", without_nul(filler.text())};
  r.path = without_nul(filler.text());
  r.payload = nth_payload(kind, filler);
  if (auto* refusal = std::get_if<Refusal>(&r.payload)) refusal->action_name = "open";
  if (random() % 2) {
    r.policy = 1 + random() % 100;
    r.rule = filler.text();
  }
  r.salt = random();
  return r;
}

// Throws for a key that stands twice in one object: nlohmann would silently take the last one.
nlohmann::json parse_without_duplicates(const std::string& line) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using E = nlohmann::json::parse_event_t;
    if (event == E::object_start) keys.emplace_back();
    if (event == E::object_end) keys.pop_back();
    if (event == E::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw std::runtime_error("double key");
    return true;
  };
  return nlohmann::json::parse(line, check);
}

Record open_record() {
  Record r;
  r.time = 1795428245123456000;
  r.sequence = 4180;
  r.reason = "denied: no rule permits write";
  r.user = {1001, "bob", 1000, 1001, "bob"};
  r.process = {4720, "51d2e0b4", "/usr/bin/cp"};
  r.path = "/models/m.bin";
  Refusal refusal;
  refusal.action_name = "open";
  refusal.artifact = 42;
  refusal.version = 3;
  refusal.mode = "w";
  refusal.error = "EACCES";
  r.payload = refusal;
  r.policy = 7;
  r.rule = "default-deny";
  r.salt = 0x0123456789abcdefULL;
  return r;
}

Code code_of(std::string_view line) {
  try {
    parse_line(line);
  } catch (const Error& e) {
    return e.code();
  }
  return Code::usage;  // was read
}

}  // namespace

TEST_CASE("a record's line, byte for byte") {
  CHECK(to_line(open_record(), "h1") ==
        R"({"@timestamp":"2026-11-23T10:04:05.123456Z","event":{"sequence":4180,"action":"open","outcome":"failure",)"
        R"("reason":"denied: no rule permits write"},"host":{"name":"h1"},"user":{"id":1001,"name":"bob","group":1000,)"
        R"("login":1001,"login_name":"bob"},"process":{"pid":4720,"entity_id":"51d2e0b4","executable":"/usr/bin/cp"},)"
        R"("file":{"path":"/models/m.bin"},"ward":{"artifact":42,"version":3,"mode":"w","errno":"EACCES","policy":7,)"
        R"("rule":"default-deny","salt":"0123456789abcdef"}})");
}

TEST_CASE("every record survives its line, every line its record") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const Record r = random_record(random, i % std::variant_size_v<Payloads>);
    const std::string line = to_line(r, "host-é");
    INFO(line);
    const auto json = parse_without_duplicates(line);
    const auto* anchor = std::get_if<Anchor>(&r.payload);
    const bool failed = std::holds_alternative<Refusal>(r.payload) || (anchor != nullptr && anchor->failed());
    REQUIRE(json["event"]["outcome"] == (failed ? "failure" : "success"));
    const Record back = parse_line(line);
    REQUIRE(back == r);
    REQUIRE(to_line(back, "host-é") == line);
  }
}

TEST_CASE("an anchor's outcome is what its result says") {
  Record r = open_record();
  for (const char* result : {"stored", "done", "exit", "signal", "timeout", "too-long", "not-started", "not-stored"}) {
    Anchor run;
    run.name = "witness-1", run.result = result, run.checkpoint = 7;
    r.payload = run;
    const bool good = run.result == "stored" || run.result == "done";
    auto line = to_line(r, "h1");
    CHECK(line.find(good ? "\"outcome\":\"success\"" : "\"outcome\":\"failure\"") != line.npos);
    CHECK(parse_line(line) == r);
    const std::string said = good ? "success" : "failure", other = good ? "failure" : "success";
    CHECK(code_of(line.replace(line.find(said), said.size(), other)) == Code::corrupt);
  }
}

TEST_CASE("no name can forge a line or reorder what a terminal shows") {
  std::mt19937_64 random(8);
  for (int i = 0; i < 3000; ++i) {
    const std::string line = to_line(random_record(random, i % std::variant_size_v<Payloads>), "h\n1");
    REQUIRE(is_utf8(line));
    for (const char c : line) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    for (auto bad : {"\xc2\x85", "\u202e", "\u2066", "\u2028", "\u2029", "\u200e", "\u200f", "\u061c"}) {
      REQUIRE(line.find(bad) == line.npos);
    }
  }
}

TEST_CASE("raw bytes stand in key_b64, a hint for people in key") {
  Record r = open_record();
  r.path =
      "/a\xff"
      "b\n";
  const auto file = nlohmann::json::parse(to_line(r, "h"))["file"];
  CHECK(file["path"] ==
        "/a\xef\xbf\xbd"
        "b\n");
  CHECK(from_base64(file["path_b64"].get<std::string>()) == r.path);
  CHECK(to_line(r, "h").find(R"(b\u000a")") != std::string::npos);
}

TEST_CASE("a path over 4 KiB is cut between characters and named by its sha256") {
  for (const std::string unit : {"a", "é", "\xff", "\n", "\""}) {
    Record r = open_record();
    r.path = "/";
    for (int i = 0; i < 5000; ++i) r.path += unit;
    r.process.executable = r.path;
    const std::string line = to_line(r, "h");
    CHECK(line.size() < 22'000);
    const auto json = parse_without_duplicates(line);
    CHECK(json["file"]["path_sha256"] == hex(sha256(r.path)));
    CHECK(json["process"]["executable_sha256"] == hex(sha256(r.path)));
    CHECK(to_line(parse_line(line), "h") == line);
  }
}

TEST_CASE("times keep every nanosecond, from the first to the last that 64 bits can tell") {
  std::mt19937_64 random(9);
  std::vector<Nanos> times = {
      0, -1, 1, 999'999'999, -1'000'000'000, INT64_MIN, INT64_MIN + 1, INT64_MAX, 951'782'400'000'000'000};
  for (int i = 0; i < 10'000; ++i) times.push_back(static_cast<Nanos>(random()));
  for (const Nanos time : times) {
    std::string text;
    append_time(text, time, 9);
    INFO(time << " " << text);
    REQUIRE(parse_time(text) == time);
  }
  std::string text;
  append_time(text, 951'782'400'000'001'999, 6);
  CHECK(text == "2000-02-29T00:00:00.000001Z");
  for (auto bad : {"", "2000-02-30T00:00:00.000000Z", "2000-02-29T24:00:00.000000Z", "2000-02-29T00:00:60.000000Z",
                   "2000-02-29T00:00:00.00000Z", "2000-02-29 00:00:00.000000Z", "2000-02-29T00:00:00.000000z",
                   "9999-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "-999-01-01T00:00:00.000000Z"}) {
    INFO(bad);
    CHECK_FALSE(parse_time(bad));
  }
}

TEST_CASE("only whole lines in our own spelling are read") {
  const std::string good = to_line(open_record(), "h1");
  CHECK(code_of(good) == Code::usage);
  for (std::size_t n = 0; n < good.size(); ++n) REQUIRE(code_of(good.substr(0, n)) == Code::corrupt);
  const auto replaced = [&](const std::string& from, const std::string& to) {
    auto line = good;
    const auto at = line.find(from);
    REQUIRE(at != line.npos);
    return line.replace(at, from.size(), to);
  };
  CHECK(code_of(good + " ") == Code::corrupt);
  CHECK(code_of(replaced(":4180,", ": 4180,")) == Code::corrupt);
  CHECK(code_of(replaced(":4180,", ":\"4180\",")) == Code::corrupt);
  CHECK(code_of(replaced(":4180,", ":-4180,")) == Code::corrupt);
  CHECK(code_of(replaced(":4180,", ":4180.5,")) == Code::corrupt);
  CHECK(code_of(replaced("\"id\":1001", "\"id\":4294968297")) == Code::corrupt);
  CHECK(code_of(replaced("\"pid\":4720", "\"pid\":99999999999")) == Code::corrupt);
  CHECK(code_of(replaced("\"policy\"", "\"x\":1,\"policy\"")) == Code::corrupt);
  CHECK(code_of(replaced("\"mode\":\"w\"", "\"mode\":\"w\",\"mode\":\"w\"")) == Code::corrupt);
  CHECK(code_of(replaced("\"artifact\":42,\"version\":3", "\"version\":3,\"artifact\":42")) == Code::corrupt);
  CHECK(code_of(replaced("\"bob\"", "\"b\\u006fb\"")) == Code::corrupt);
  CHECK(code_of(replaced("\"errno\":\"EACCES\"", "\"errno\":13")) == Code::corrupt);
  CHECK(code_of(replaced("0123456789abcdef", "0123456789ABCDEF")) == Code::corrupt);
  CHECK(code_of(replaced("failure", "maybe")) == Code::corrupt);
  CHECK(code_of(replaced("\"open\",\"outcome\":\"failure\"", "\"teleport\",\"outcome\":\"success\"")) == Code::format);
  CHECK(code_of("[]") == Code::corrupt);
  CHECK(code_of("") == Code::corrupt);
}

TEST_CASE("a byte flipped anywhere is another record or none") {
  const Record r = open_record();
  const std::string good = to_line(r, "h1");
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto line = good;
      line[i] = static_cast<char>(line[i] ^ (1 << bit));
      bool same = false;
      try {
        same = parse_line(line) == r && line.find("\"h1\"") != line.npos;
      } catch (const Error&) {
      }
      REQUIRE_FALSE(same);
    }
  }
}

TEST_CASE("a record that fits no bundle is refused") {
  Record r = open_record();
  std::get<Refusal>(r.payload).error = std::string(70'000, 'x');
  REQUIRE_THROWS_AS(to_line(r, "h"), Error);
}

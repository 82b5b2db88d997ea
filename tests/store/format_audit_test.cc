// SPDX-License-Identifier: Apache-2.0
// Goal: the format document shows what this program writes, byte for byte, and names every field of every action.
// Method: the document's example is made again; a visitor lists each payload's keys as the document's table must.
#include <algorithm>
#include <filesystem>

#include "store/audit_log.h"
#include "store/files.h"
#include "store/record_json.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;

namespace {

std::string documents() {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(WARD_SOURCE_DIR "/store")) {
    if (entry.path().extension() == ".md") text += read_file(entry.path());
  }
  return text;
}

// Lists keys as the document does: optional ones with a question mark.
class Lister {
 public:
  std::string keys;
  void operator()(const char* key, auto&) { add(key, ""); }
  void opt(const char* key, auto&, auto...) { add(key, "?"); }
  void name(const char* key, auto&) { add(key, ""); }
  void name_opt(const char* key, auto&) { add(key, "?"); }
  void path(const char* key, auto&) { add(key, ""); }
  void paths_opt(const char* key, auto&) { add(key, "?"); }
  void place(const char* key, auto&) { add(key, ""); }
  void time(const char* key, auto&) { add(key, ""); }
  void time_opt(const char* key, auto&) { add(key, "?"); }

 private:
  void add(const std::string& key, const char* mark) { keys += (keys.empty() ? "`" : " `") + key + "`" + mark; }
};

template <std::size_t i = 0>
void check_rows(const std::string& text) {
  if constexpr (i < std::variant_size_v<Payloads>) {
    std::variant_alternative_t<i, Payloads> payload;
    Lister lister;
    payload.fields(lister);
    const bool refusal = std::holds_alternative<Refusal>(Payload(payload));
    const std::string name = refusal ? "any, `failure`" : "`" + action_of(payload) + "`";
    INFO(name << " | " << lister.keys);
    CHECK(text.find("| " + name + " | " + lister.keys + " |") != text.npos);
    check_rows<i + 1>(text);
  }
}

SigningKey example_key() {
  std::array<unsigned char, 32> seed;
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<unsigned char>(i);
  return SigningKey::from_seed(seed);
}

Record record(Sequence sequence, Payload payload) {
  Record r;
  r.time = 1795428245123456000 + static_cast<Nanos>(sequence) * 1'000'000;
  r.sequence = sequence;
  r.user = {1000, "ada", 1000, 1000, "ada"};
  r.process = {4711, "51d2e0b4", "/usr/bin/ward"};
  r.payload = std::move(payload);
  r.salt = 0x00112233445566ff + (sequence << 8);
  return r;
}

std::vector<std::string> example_lines() {
  const std::string origin = "h1/ward/3f0c9a52";
  LogStart start;
  start.origin = origin;
  start.vkey = to_vkey({origin, example_key().public_key()});
  Create root;
  root.artifact = kRoot;
  root.kind = Kind::folder;
  root.mode = 0755;
  root.uid = root.gid = 1000;
  Refusal refusal;
  refusal.action_name = "open";
  refusal.artifact = 42;
  refusal.version = 3;
  refusal.mode = "w";
  refusal.error = "EACCES";
  Record denied = record(2, refusal);
  denied.reason = "denied: no rule permits write";
  denied.user = {1001, "bob", 1000, 1001, "bob"};
  denied.process = {4720, "9be1407c", "/usr/bin/cp"};
  denied.path = "/models/caf\xe9\n.bin";
  denied.policy = 1;
  denied.rule = "default-deny";
  return {to_line(record(0, start), "h1"), to_line(record(1, root), "h1"), to_line(denied, "h1")};
}

}  // namespace

TEST_CASE("the format document names every field of every action") {
  check_rows(documents());
}

TEST_CASE("the format document's example is what this program writes") {
  const std::string text = documents();
  const ward::tests::TempDir temp;
  AuditLog log(temp.path(), "h1/ward/3f0c9a52", example_key());
  const auto lines = example_lines();
  log.append(lines);
  log.sync();
  log.checkpoint();
  std::string example;
  for (const auto& line : lines) example += line + "\n";
  INFO(example << "\n" << log.checkpoint_text() << "\nfirst leaf " << hex(leaf_hash(lines[0])));
  CHECK(text.find(example) != text.npos);
  CHECK(text.find(log.checkpoint_text()) != text.npos);
  CHECK(text.find(hex(leaf_hash(lines[0]))) != text.npos);
  for (const auto& line : lines) CHECK(to_line(parse_line(line), "h1") == line);
}

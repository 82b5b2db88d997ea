// SPDX-License-Identifier: Apache-2.0
// Goal: the verdict on a log says what the evidence is worth, and names what is wrong.
// Method: a log of 700 records in segments of 100, signed at 300 and 700; then copies of it as honest people and
// attackers with more and more power would leave them.
#include "store/audit_verify.h"

#include <sys/stat.h>

#include <fstream>

#include "store/error.h"
#include "store/files.h"
#include "store/record_json.h"
#include "store/segments.h"
#include "store/tile_check.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

std::string first_line(const SigningKey& key) {
  LogStart start;
  start.origin = kOrigin;
  start.vkey = to_vkey({kOrigin, key.public_key()});
  Record record;
  record.payload = start;
  return to_line(record, "h1");
}

std::string grow(const fs::path& audit, const SigningKey& key, Sequence size, const std::string& salt = "") {
  std::array<unsigned char, 32> seed{};
  seed[0] = 7;
  AuditLog log(audit, kOrigin, SigningKey::from_seed(seed), {100, 64 << 10, 16 << 10});
  std::vector<std::string> lines;
  for (Sequence i = log.size(); i < size; ++i) lines.push_back(i == 0 ? first_line(key) : log_line(i, salt));
  log.append(lines);
  log.sync();
  log.checkpoint();
  return log.checkpoint_text();
}

// As grow, from nothing, by somebody with another key: what AuditLog refuses to do to a log in place.
std::string forge(const fs::path& audit, const SigningKey& key, Sequence size) {
  fs::remove_all(audit);
  fs::create_directory(audit);
  TileWriter tiles(audit);
  std::ofstream lines(audit / segment_name(0));
  for (Sequence i = 0; i < size; ++i) {
    const auto line = i == 0 ? first_line(key) : log_line(i, "forged");
    lines << line << "\n";
    tiles.append(leaf_hash(line));
  }
  tiles.write();
  const auto text = sign_checkpoint({kOrigin, size, tiles.root()}, key);
  std::ofstream(audit / "checkpoint") << text;
  return text;
}

void overwrite(const fs::path& file, std::uint64_t at, std::string_view bytes) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekp(static_cast<std::streamoff>(at)) << bytes;
}

bool mentions(const std::vector<std::string>& texts, std::string_view what) {
  for (const auto& text : texts) {
    if (text.find(what) != text.npos) return true;
  }
  return false;
}

struct SignedLog {
  TempDir temp;
  fs::path audit = temp.path() / "audit";
  std::string at_300, at_700;

  SignedLog() {
    AuditLog::create(audit);
    const auto key = log_key();
    at_300 = grow(audit, key, 300);
    at_700 = grow(audit, key, 700);
  }
  Verification with_key() const { return verify_audit({audit, log_vkey(), std::nullopt}); }
  Verification with_kept(const std::string& kept) const { return verify_audit({audit, std::nullopt, kept}); }
  Verification alone() const { return verify_audit({audit, std::nullopt, std::nullopt}); }
};

}  // namespace

TEST_CASE("an honest log is worth what the auditor brings") {
  const SignedLog log;
  const auto by_key = log.with_key();
  CHECK(by_key.verdict == Verdict::verified);
  CHECK(by_key.problems.empty());
  CHECK(by_key.notes.empty());
  CHECK(by_key.records == 700);
  CHECK(by_key.covered == 700);
  CHECK(log.with_kept(log.at_300).verdict == Verdict::verified);
  CHECK(log.with_kept(log.at_700).verdict == Verdict::verified);
  CHECK(verify_audit({log.audit, log_vkey(), log.at_300}).verdict == Verdict::verified);
  CHECK(log.alone().verdict == Verdict::self_consistent_only);
}

TEST_CASE("what isn't signed yet is told, not held against the log") {
  const SignedLog log;
  {
    auto open = open_log(log.audit, 100);
    append_lines(open, 20);
  }
  std::ofstream(log.audit / segment_name(700), std::ios::app) << log_line(720).substr(0, 30);
  const auto result = log.with_key();
  CHECK(result.verdict == Verdict::verified);
  CHECK(result.records == 720);
  CHECK(result.covered == 700);
  CHECK(mentions(result.notes, "20 records aren't covered"));
  CHECK(mentions(result.notes, "unfinished: 30 bytes"));
  CHECK(log.with_kept(log.at_700).verdict == Verdict::verified);
}

TEST_CASE("partial tiles that later ones replaced are still compared, and may be missing") {
  const SignedLog log;
  REQUIRE(fs::exists(log.audit / "tile/0/002.p/188"));
  CHECK_FALSE(fs::exists(log.audit / "tile/0/001.p"));
  CHECK(fs::exists(log.audit / "tile/1/000.p/1"));
  fs::remove(log.audit / "tile/1/000.p/1");
  CHECK(log.with_key().verdict == Verdict::verified);
}

TEST_CASE("a partial tile that was listed may become full before it is read") {
  const SignedLog log;
  REQUIRE(fs::exists(log.audit / "tile/0/002.p/188"));
  TileCheck tiles(log.audit);
  grow(log.audit, log_key(), 800);
  REQUIRE_FALSE(fs::exists(log.audit / "tile/0/002.p"));
  read_lines(log.audit, 0, [&](Sequence sequence, std::string_view line) {
    if (sequence < 700) tiles.append(leaf_hash(line));
  });
  tiles.finish(700);
  CHECK(tiles.mismatches().empty());
}

TEST_CASE("of a pruned log a kept checkpoint vouches only as far as it reaches") {
  const SignedLog log;
  std::string at_701;
  {
    auto open = open_log(log.audit, 100);
    Record record;
    record.sequence = 700;
    record.payload = Prune{100, std::string(64, 'a'), 1};
    open.append(std::vector{to_line(record, "h1")});
    open.sync();
    open.checkpoint();
    at_701 = open.checkpoint_text();
  }
  fs::remove(log.audit / segment_name(0));
  CHECK(log.with_key().verdict == Verdict::verified);
  CHECK(log.with_kept(at_701).verdict == Verdict::verified);
  const auto older = log.with_kept(log.at_300);
  CHECK(older.verdict == Verdict::self_consistent_only);  // who signed the 401 records since, nobody could tell
  CHECK(mentions(older.problems, "bring the verifier key"));
}

TEST_CASE("the verifier key in the folder has to be the log's") {
  const SignedLog log;
  std::ofstream(log.audit / "vkey") << log_vkey() << "\n";
  CHECK(log.with_key().verdict == Verdict::verified);
  const auto other = to_vkey({"other", log_key().public_key()});
  for (const auto& text : {other + "\n", log_vkey(), log_vkey() + "\n\n", std::string()}) {
    std::ofstream(log.audit / "vkey") << text;
    const auto result = log.with_key();
    CHECK(result.verdict == Verdict::damaged);
    CHECK(mentions(result.problems, "vkey isn't the log's"));
  }
  CHECK(verify_audit({log.audit, other, std::nullopt}).verdict == Verdict::key_mismatch);
}

TEST_CASE("what isn't a file isn't waited for") {
  const SignedLog log;
  const std::string name = GENERATE("checkpoint", "rotations", "tile/0/000");
  fs::remove(log.audit / name);
  REQUIRE(::mkfifo((log.audit / name).c_str(), 0600) == 0);
  const auto result = log.with_key();
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, name));
}

TEST_CASE("files that nobody signed are named") {
  const SignedLog log;
  std::ofstream(log.audit / "today.tsv") << "forged\n";
  std::ofstream(log.audit / "half.tmp") << "x";
  const auto result = log.with_key();
  CHECK(result.verdict == Verdict::verified);
  CHECK(result.notes == std::vector<std::string>{"today.tsv isn't signed, and not checked: the lines are"});
}

TEST_CASE("without a checkpoint only form is checked, unless there must have been one") {
  const SignedLog log;
  fs::remove(log.audit / "checkpoint");
  CHECK(log.with_key().verdict == Verdict::no_checkpoint);
  const auto kept = log.with_kept(log.at_300);
  CHECK(kept.verdict == Verdict::damaged);
  CHECK(mentions(kept.problems, "the checkpoint is missing"));
}

TEST_CASE("a changed line is named") {
  const SignedLog log;
  const Sequence target = GENERATE(201, 255, 256, 699);
  const auto file = segment_name(target / 100 * 100);
  const auto line = log_line(200);
  overwrite(log.audit / file, (target % 100) * (line.size() + 1) + line.find("test"), "X");
  const auto result = log.with_key();
  CHECK(result.verdict == Verdict::damaged);
  CHECK(result.bad_line == BadLine{file, target % 100 + 1, target});
  CHECK(mentions(result.problems, "isn't the line that was signed"));
  CHECK((log.with_kept(log.at_300).verdict == Verdict::damaged));
  CHECK(log.alone().verdict == Verdict::damaged);
}

TEST_CASE("of several changed lines the first is named") {
  const SignedLog log;
  const auto line = log_line(200);
  for (const Sequence changed : {650, 201, 300})
    overwrite(log.audit / segment_name(changed / 100 * 100), changed % 100 * (line.size() + 1) + line.find("test"),
              "X");
  CHECK(log.with_key().bad_line == BadLine{segment_name(200), 2, 201});
}

TEST_CASE("a changed tile is named, and the lines are cleared") {
  const SignedLog log;
  overwrite(log.audit / "tile/0/001", 32 * 5, "X");
  const auto result = log.with_key();
  CHECK(result.verdict == Verdict::damaged);
  CHECK_FALSE(result.bad_line);
  CHECK(mentions(result.problems, "tile/0/001 differs from the lines at hash 5"));
}

TEST_CASE("missing, short, superfluous and strange tiles are named") {
  const SignedLog log;
  SECTION("missing") {
    fs::remove(log.audit / "tile/0/000");
    CHECK(mentions(log.with_key().problems, "tile/0/000 is missing"));
  }
  SECTION("narrower than needed") {
    const auto whole = read_file(log.audit / "tile/0/000");
    fs::remove(log.audit / "tile/0/000");
    fs::create_directory(log.audit / "tile/0/000.p");
    std::ofstream(log.audit / "tile/0/000.p/100") << whole.substr(0, 100 * 32);
    CHECK(mentions(log.with_key().problems, "tile/0/000 is missing"));
  }
  SECTION("short") {
    fs::resize_file(log.audit / "tile/0/002.p/188", 33);
    CHECK(mentions(log.with_key().problems, "tile/0/002.p/188 has 33 bytes"));
  }
  SECTION("of records that aren't there") {
    std::ofstream(log.audit / "tile/0/002.p/189") << std::string(189 * 32, 'x');
    CHECK(mentions(log.with_key().problems, "tile/0/002.p/189 covers records that the log doesn't have"));
  }
  SECTION("left by a crash") {
    std::ofstream(log.audit / "tile/0/002.p/189.tmp") << "x";
    CHECK(log.with_key().verdict == Verdict::verified);
    CHECK(mentions(log.with_key().notes, "tile/0/002.p/189.tmp isn't a tile"));
    return;
  }
  CHECK(log.with_key().verdict == Verdict::damaged);
}

TEST_CASE("a missing segment is noticed at any place") {
  const SignedLog log;
  fs::remove(log.audit / segment_name(GENERATE(0, 300, 600)));
  CHECK(log.with_key().verdict == Verdict::damaged);
  CHECK(log.with_kept(log.at_300).verdict == Verdict::damaged);
}

TEST_CASE("a missing segment is noticed behind the checkpoint too") {
  const SignedLog log;
  std::ofstream(log.audit / "checkpoint") << log.at_300;
  for (const auto* tile : {"tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"}) fs::remove(log.audit / tile);
  fs::remove(log.audit / segment_name(500));
  const auto result = log.with_key();
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "00000000000000000600.jsonl line 1 (record 500) isn't the record after"));
}

TEST_CASE("lines may be missing as far as a signed record says, and no further") {
  const SignedLog log;
  const auto without_lines_before = [&](Sequence boundary) {
    for (Sequence first = 0; first < boundary; first += 100) fs::remove(log.audit / segment_name(first));
  };
  {
    Record prune;
    prune.sequence = 700;
    prune.payload = Prune{300, Sha256(64, '0'), 1};
    std::ofstream(log.audit / segment_name(700)) << to_line(prune, "h1") << "\n";
  }
  without_lines_before(300);
  auto result = log.with_key();  // anybody can have added that line
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "the record that says they were pruned isn't covered by the checkpoint"));
  grow(log.audit, log_key(), 702);
  result = log.with_key();
  CHECK(result.verdict == Verdict::verified);
  CHECK(mentions(result.notes, "the lines of 300 records were pruned"));
  CHECK(verify_audit({log.audit, log_vkey(), log.at_300}).verdict == Verdict::verified);
  without_lines_before(400);
  result = log.with_key();
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "no record says that they were pruned"));
  std::ofstream(log.audit / "checkpoint") << log.at_300;
  CHECK(log.with_key().verdict == Verdict::damaged);
}

TEST_CASE("a rotation that the log doesn't have yet is no rotation") {
  const SignedLog log;
  Record record;
  record.sequence = 700;
  record.payload = sign_rotation(kOrigin, 700, log_key(), SigningKey::generate());
  std::ofstream(KeyHistory::path(log.audit)) << to_line(record, "h1") << "\n";
  const auto result = log.with_key();
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "the key was replaced by record 700, which isn't there"));
}

TEST_CASE("an attacker without the key can only sign with another") {
  const SignedLog log;
  std::array<unsigned char, 32> seed{};
  const auto attacker = SigningKey::from_seed(seed);
  forge(log.audit, attacker, 700);
  CHECK(log.alone().verdict == Verdict::self_consistent_only);  // why an outside key is needed
  CHECK(log.with_key().verdict == Verdict::key_mismatch);
  CHECK(log.with_kept(log.at_300).verdict == Verdict::damaged);
  CHECK(verify_audit({log.audit, log_vkey(), log.at_300}).verdict == Verdict::damaged);
}

TEST_CASE("an attacker with the key is caught by a kept checkpoint") {
  const SignedLog log;
  forge(log.audit, log_key(), 700);
  CHECK(log.with_key().verdict == Verdict::verified);  // why checkpoints are to be kept elsewhere
  const auto result = log.with_kept(log.at_300);
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "the first 300 records aren't those that the kept checkpoint was signed for"));
}

TEST_CASE("a log rolled back is caught by a kept checkpoint") {
  const SignedLog log;
  forge(log.audit, log_key(), 200);
  const auto result = log.with_kept(log.at_300);
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "the kept checkpoint covers 300 records, but only 200 are there"));
}

TEST_CASE("what a witness cosigned holds for the log, or the log is damaged") {
  const SignedLog log;
  const auto at = [](const std::string& text) { return parse_checkpoint(parse_note(text)); };
  const std::vector<Vouched> both = {{"w1", at(log.at_300)}, {"w2", at(log.at_700)}, {"w3", at(log.at_300)}};
  CHECK(verify_audit({log.audit, log_vkey(), std::nullopt, both}).verdict == Verdict::verified);
  CHECK(verify_audit({log.audit, std::nullopt, std::nullopt, both}).verdict == Verdict::verified);
  const Vouched nothing = {"w0", {kOrigin, 0, sha256("")}};
  CHECK(verify_audit({log.audit, log_vkey(), std::nullopt, {nothing, both[0]}}).verdict == Verdict::verified);

  forge(log.audit, log_key(), 700);
  CHECK(log.with_key().verdict == Verdict::verified);
  for (const auto& each : both) {
    const auto result = verify_audit({log.audit, log_vkey(), std::nullopt, {each}});
    CHECK(result.verdict == Verdict::damaged);
    CHECK(mentions(result.problems, "aren't those that " + each.name + " was signed for"));
  }
  forge(log.audit, log_key(), 200);
  const auto result = verify_audit({log.audit, log_vkey(), std::nullopt, both});
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "w2 covers 700 records, but only 200 are there"));
}

TEST_CASE("an older checkpoint put back is only older") {
  const SignedLog log;
  std::ofstream(log.audit / "checkpoint") << log.at_300;
  const auto result = log.with_kept(log.at_700);
  CHECK(result.verdict == Verdict::verified);
  CHECK(result.covered == 300);
  CHECK(mentions(result.notes, "400 records aren't covered"));
}

TEST_CASE("what the auditor brings must itself be in order") {
  const SignedLog log;
  CHECK_THROWS_AS(verify_audit({log.audit, "no key", std::nullopt}), Error);
  CHECK_THROWS_AS(log.with_kept("no checkpoint"), Error);
  auto altered = log.at_300;
  altered.replace(altered.find("\n300\n"), 5, "\n301\n");
  const auto result = log.with_kept(altered);
  CHECK(result.verdict == Verdict::damaged);
  CHECK(mentions(result.problems, "the signature of the kept checkpoint is wrong"));
  CHECK_THROWS_AS(verify_audit({log.audit / "none", std::nullopt, std::nullopt}), Error);
}

TEST_CASE("an empty folder proves nothing") {
  const TempDir temp;
  CHECK(verify_audit({temp.path(), log_vkey(), std::nullopt}).verdict == Verdict::no_checkpoint);
}

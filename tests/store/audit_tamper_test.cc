// SPDX-License-Identifier: Apache-2.0
// Goal: no change to a signed log goes unnoticed, and the verifier names the line that was changed.
// Method: exhaustive on a log of 50 records in segments of 20: every byte of every file altered, lost, doubled, swapped
// with the next, and every cut; every line lost, doubled and swapped with every other. Random samples on 1,000.
#include <algorithm>
#include <fstream>
#include <random>

#include "store/audit_verify.h"
#include "store/error.h"
#include "store/files.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

class Victim {
 public:
  explicit Victim(Sequence records, Sequence per_segment = 20) {
    auto log = open_log(temp_.path(), per_segment);
    append_lines(log, records);
    log.sync();
    log.checkpoint();
    for (const auto& segment : segments(temp_.path())) files_.push_back(segment.file);
  }
  const fs::path& path() const { return temp_.path(); }
  const std::vector<fs::path>& files() const { return files_; }

  Verification verify() const { return verify_audit({temp_.path(), log_vkey(), std::nullopt}); }

  // The verdict with `bytes` in place of the file's.
  Verification with(const fs::path& file, const std::string& bytes) const {
    const std::string before = read_file(file);
    put(file, bytes);
    auto result = verify();
    put(file, before);
    return result;
  }

 private:
  static void put(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }

  TempDir temp_;
  std::vector<fs::path> files_;
};

std::vector<std::string> lines_of(const std::string& bytes) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = bytes.find('\n', at) + 1;
    lines.push_back(bytes.substr(at, end - at));
    at = end;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string bytes;
  for (const auto& line : lines) bytes += line;
  return bytes;
}

// Sanitized, each check takes many times as long: then not every byte is altered, but bytes all over.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStride = 37;
#else
constexpr std::size_t kStride = 1;
#endif

// Every alteration of one byte.
std::vector<std::string> alterations(const std::string& bytes, std::size_t i) {
  std::vector<std::string> made(5, bytes);
  made[0][i] = static_cast<char>(bytes[i] ^ (1 << i % 8));
  made[1].erase(i, 1);
  made[2].insert(i, 1, bytes[i]);
  if (i + 1 < bytes.size()) std::swap(made[3][i], made[3][i + 1]);
  made[4].resize(i);
  return made;
}

// Alters every byte of every line, and wants the line named.
void alter_every_byte(const Victim& victim, Sequence per_segment) {
  for (std::size_t segment = 0; segment < victim.files().size(); ++segment) {
    const auto& file = victim.files()[segment];
    const std::string good = read_file(file);
    Sequence record = per_segment * segment;
    for (std::size_t i = 0; i < good.size(); record += good[i++] == '\n') {
      for (const auto& altered : i % kStride == 0 ? alterations(good, i) : std::vector<std::string>()) {
        if (altered == good) continue;
        const auto result = victim.with(file, altered);
        bool found = result.verdict == Verdict::damaged;
        // A log that ends in the middle of a line is no line's fault; an end of line that is lost elsewhere shows in
        // that line or the next.
        const bool cut = altered.empty() || altered.back() != '\n' || good.starts_with(altered);
        const bool inside = good[i] != '\n' && good[i + 1] != '\n';
        if (found && !cut && inside) {
          found = result.bad_line == BadLine{file.filename().string(), record - per_segment * segment + 1, record};
        }
        if (found && !cut && !inside) {
          found = result.bad_line && (result.bad_line->sequence == record || result.bad_line->sequence == record + 1);
        }
        if (!found) FAIL("not found: " << file << " byte " << i << "\n" << altered);
      }
    }
  }
}

}  // namespace

TEST_CASE("every byte of every line counts") {
  const Victim victim(50);
  REQUIRE(victim.verify().verdict == Verdict::verified);
  REQUIRE(victim.files().size() == 3);
  alter_every_byte(victim, 20);
  CHECK(victim.verify().verdict == Verdict::verified);
}

// Some ten minutes: build/release/tests/test_store "[.exhaustive]"
TEST_CASE("every byte of 1,000 records counts", "[.exhaustive]") {
  const Victim victim(1000, 250);
  alter_every_byte(victim, 250);
}

TEST_CASE("each of 1,000 lines counts: lost, doubled, swapped with the next, the last that is left") {
  const Victim victim(1000, 1000);
  const auto& file = victim.files()[0];
  const std::string good = read_file(file);
  const auto lines = lines_of(good);
  std::size_t start = 0;
  for (std::size_t i = 0; i < lines.size(); start += lines[i++].size()) {
    if (i % kStride != 0) continue;
    INFO(i);
    auto lost = good, doubled = good, swapped = good;
    REQUIRE(victim.with(file, lost.erase(start, lines[i].size())).verdict == Verdict::damaged);
    REQUIRE(victim.with(file, doubled.insert(start, lines[i])).verdict == Verdict::damaged);
    REQUIRE(victim.with(file, good.substr(0, start)).verdict == Verdict::damaged);
    if (i + 1 == lines.size()) continue;
    swapped.replace(start, lines[i].size() + lines[i + 1].size(), lines[i + 1] + lines[i]);
    REQUIRE(victim.with(file, swapped).bad_line == BadLine{file.filename().string(), i + 1, i});
  }
}

TEST_CASE("no line can be lost, doubled or moved") {
  const Victim victim(50);
  for (const auto& file : victim.files()) {
    const auto lines = lines_of(read_file(file));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      auto lost = lines, doubled = lines;
      lost.erase(lost.begin() + static_cast<std::ptrdiff_t>(i));
      doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
      REQUIRE(victim.with(file, joined(lost)).verdict == Verdict::damaged);
      REQUIRE(victim.with(file, joined(doubled)).verdict == Verdict::damaged);
      for (std::size_t k = i + 1; k < lines.size(); ++k) {
        auto moved = lines;
        std::swap(moved[i], moved[k]);
        const auto result = victim.with(file, joined(moved));
        REQUIRE(result.verdict == Verdict::damaged);
        REQUIRE(result.bad_line);
        REQUIRE(result.bad_line->line == i + 1);
      }
    }
  }
}

TEST_CASE("every byte of checkpoint and tiles counts") {
  const Victim victim(300, 300);
  std::vector<fs::path> files = {victim.path() / "checkpoint"};
  for (const auto& entry : fs::recursive_directory_iterator(victim.path() / "tile")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  REQUIRE(files.size() == 4);
  for (const auto& file : files) {
    const std::string good = read_file(file);
    const std::size_t step = (good.size() > 1000 ? 11 : 1) * kStride;
    for (std::size_t i = 0; i < good.size(); i += step) {
      for (const auto& altered : alterations(good, i)) {
        INFO(file << " byte " << i);
        const auto verdict = altered == good ? Verdict::damaged : victim.with(file, altered).verdict;
        REQUIRE((verdict == Verdict::damaged || verdict == Verdict::key_mismatch));
      }
    }
  }
}

TEST_CASE("random damage to a longer log is found where it was done") {
  const Victim victim(1000);
  std::mt19937_64 random(3);
  for (int n = 0; n < 300; ++n) {
    const Sequence target = random() % 1000;
    const auto& file = victim.files()[target / 20];
    auto lines = lines_of(read_file(file));
    auto& line = lines[target % 20];
    const auto at = random() % (line.size() - 1);
    line[at] = static_cast<char>(line[at] ^ (1 << random() % 8));
    if (line[at] == '\n') continue;
    const auto result = victim.with(file, joined(lines));
    INFO(target << " at " << at);
    REQUIRE(result.verdict == Verdict::damaged);
    REQUIRE(result.bad_line == BadLine{file.filename().string(), target % 20 + 1, target});
  }
}

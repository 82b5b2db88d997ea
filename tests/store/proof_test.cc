// SPDX-License-Identifier: Apache-2.0
// Goal: a proof proves one line of one log and nothing else, and says why when it doesn't.
// Method: every record of a log of 700 records proved at two sizes; then each part of a proof changed.
#include "store/proof.h"

#include <fstream>

#include "store/error.h"
#include "store/files.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;

namespace {

struct Proved {
  TempDir temp;
  std::filesystem::path audit = temp.path() / "audit";
  VerifierKey key = parse_vkey(log_vkey());

  Proved() {
    AuditLog::create(audit);
    grow(700);
  }
  void grow(Sequence size) const {
    auto log = open_log(audit, 100);
    append_lines(log, size - log.size());
    log.sync();
    log.checkpoint();
  }
};

bool malformed(const std::string& text) {
  try {
    (void)parse_proof(text);
    return false;
  } catch (const Error& error) {
    return error.code() == Code::corrupt;
  }
}

}  // namespace

TEST_CASE("every record has a proof, which proves its line and no other", "[proof]") {
  const Proved log;
  for (Sequence i = 0; i < 700; ++i) {
    const auto proof = parse_proof(to_text(prove(log.audit, i, true)));
    INFO(i);
    REQUIRE(proof.line == log_line(i));
    REQUIRE(refute(proof, log_line(i), log.key).empty());
    REQUIRE_FALSE(refute(proof, log_line(i + 1), log.key).empty());
  }
}

TEST_CASE("a proof keeps its worth while the log grows", "[proof]") {
  const Proved log;
  const auto early = to_text(prove(log.audit, 255, false));
  log.grow(70'000);
  CHECK(refute(parse_proof(early), log_line(255), log.key).empty());
  for (const Sequence i : {0, 255, 256, 65'535, 65'536, 69'999})
    CHECK(refute(prove(log.audit, i, false), log_line(i), log.key).empty());
}

TEST_CASE("the text is a C2SP tlog-proof", "[proof]") {
  const Proved log;
  const auto text = to_text(prove(log.audit, 3, false));
  CHECK(text.starts_with("c2sp.org/tlog-proof@v1\nindex 3\n"));
  CHECK(text.ends_with("\n\n" + read_file(log.audit / "checkpoint")));
  CHECK(to_text(prove(log.audit, 3, true))
            .starts_with("c2sp.org/tlog-proof@v1\nextra " + base64(log_line(3)) + "\nindex 3\n"));
}

TEST_CASE("a record that no checkpoint covers has no proof yet", "[proof]") {
  const Proved log;
  try {
    (void)prove(log.audit, 700, false);
    FAIL("it was proved");
  } catch (const Error& error) {
    CHECK(error.code() == Code::usage);
    CHECK(std::string(error.what()) == "record 700 isn't covered by a checkpoint yet: the newest is for 700 records");
  }
}

TEST_CASE("no byte of a proof can be another", "[proof]") {
  const Proved log;
  const auto text = to_text(prove(log.audit, 321, false));
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int bit : {1, 4, 64}) {
      auto changed = text;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      bool refused = true;
      try {
        refused = !refute(parse_proof(changed), log_line(321), log.key).empty();
      } catch (const Error& error) {
        REQUIRE(error.code() == Code::corrupt);
      }
      INFO("byte " << at << " bit " << bit);
      REQUIRE(refused);
    }
  }
}

TEST_CASE("another key, another log, and what isn't a proof", "[proof]") {
  const Proved log;
  const auto proof = prove(log.audit, 5, true);
  const VerifierKey other{kOrigin, SigningKey::generate().public_key()};
  CHECK(refute(proof, log_line(5), other).starts_with("its checkpoint isn't signed by"));
  CHECK_FALSE(refute(proof, log_line(5), {"host.example/ward/0002", log.key.key}).empty());
  const auto text = to_text(proof);
  CHECK(malformed(""));
  CHECK(malformed(text.substr(0, text.size() / 2)));
  CHECK(malformed("c2sp.org/tlog-proof@v2" + text.substr(22)));
  CHECK(malformed("c2sp.org/tlog-proof@v1\nindex 05" + text.substr(text.find("index") + 7)));
  std::string many = "c2sp.org/tlog-proof@v1\nindex 5\n";
  for (int i = 0; i < 65; ++i) many += base64(std::string(32, 'x')) + "\n";
  CHECK(malformed(many + "\n" + proof.checkpoint));
}

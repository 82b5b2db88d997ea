// SPDX-License-Identifier: Apache-2.0
// Goal: nobody gets a key into the log's history without the key before it, each key holds for its own records only,
// and a rotation is the log's own record. Method: the file of rotations as honest people would write it, and forgers
// who have one key each or an old one.
#include "store/key_history.h"

#include <fstream>

#include "store/error.h"
#include "store/record_json.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;

namespace {

SigningKey key(unsigned char number) {
  std::array<unsigned char, 32> seed{};
  seed[0] = number;
  return SigningKey::from_seed(seed);
}

VerifierKey public_part(unsigned char number, const std::string& name = kOrigin) {
  return {name, key(number).public_key()};
}

std::string line(Sequence sequence, const KeyRotation& rotation) {
  Record record;
  record.sequence = sequence;
  record.payload = rotation;
  return to_line(record, "h1");
}

/// The line of an honest rotation.
std::string rotated(Sequence sequence, unsigned char from, unsigned char to) {
  return line(sequence, sign_rotation(kOrigin, sequence, key(from), key(to)));
}

std::string signature(unsigned char number, const std::string& text) {
  const auto bytes = key(number).sign(text);
  return base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// A payload that one key signs in the place of the old one, and one in that of the new one.
KeyRotation signed_by(const VerifierKey& was, const VerifierKey& now, unsigned char as_old, unsigned char as_new) {
  const auto text = rotation_text(was.name, 5, to_vkey(was), to_vkey(now));
  return {to_vkey(was), to_vkey(now), signature(as_old, text), signature(as_new, text)};
}

KeyHistory history(const std::vector<std::string>& lines) {
  const TempDir audit;
  {
    std::ofstream file(KeyHistory::path(audit.path()));
    for (const auto& each : lines) file << each << "\n";
  }
  return KeyHistory::load(audit.path());
}

/// Why the lines aren't a history; "" when they are.
std::string refusal(const std::vector<std::string>& lines) {
  try {
    (void)history(lines);
    return "";
  } catch (const Error& error) {
    CHECK(error.code() == Code::corrupt);
    return error.what();
  }
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a key is replaced only by what it and the next one signed", "[rotation]") {
  const auto was = public_part(1), now = public_part(2);
  CHECK(refusal({line(5, signed_by(was, now, 1, 2))}).empty());
  CHECK(has(refusal({line(5, signed_by(was, now, 2, 2))}), "signatures don't hold"));  // who has the next one only
  CHECK(has(refusal({line(5, signed_by(was, now, 1, 1))}), "signatures don't hold"));  // who names another's key
  CHECK(has(refusal({line(6, signed_by(was, now, 1, 2))}), "signatures don't hold"));  // signed for another record
  const auto other = public_part(2, "host.example/ward/0002");
  CHECK(has(refusal({line(5, signed_by(was, other, 1, 2))}), "keys of two logs"));
}

TEST_CASE("each rotation follows from the one before it", "[rotation]") {
  CHECK(refusal({rotated(5, 1, 2), rotated(9, 2, 3)}).empty());
  // Who stole an old key can't go on from it.
  CHECK(has(refusal({rotated(5, 1, 2), rotated(9, 1, 4)}), "line 2: doesn't follow"));
  for (const Sequence sequence : {5, 4, 0})
    CHECK(has(refusal({rotated(5, 1, 2), rotated(sequence, 2, 3)}), "line 2: doesn't follow"));
}

TEST_CASE("a key holds for checkpoints up to its own end", "[rotation]") {
  const auto keys = history({rotated(5, 1, 2), rotated(9, 2, 3)});
  struct Row {
    Sequence size;
    unsigned char signer;
  };
  for (unsigned char trusted = 1; trusted <= 3; ++trusted)
    for (const Row& row : {Row{0, 1}, Row{5, 1}, Row{6, 2}, Row{9, 2}, Row{10, 3}, Row{1000, 3}}) {
      INFO(row.size);
      CHECK(keys.in_force(row.size, public_part(trusted)) == public_part(row.signer));
    }
  for (const Sequence size : {5, 6, 10}) CHECK(keys.in_force(size, public_part(7)) == public_part(7));
}

TEST_CASE("a rotation is the record of the log, to the byte", "[rotation]") {
  const auto lines = std::vector<std::string>{rotated(5, 1, 2), rotated(9, 2, 3)};
  const auto keys = history(lines);
  CHECK(keys.agrees(5, leaf_hash(lines[0])));
  CHECK(keys.agrees(9, leaf_hash(lines[1])));
  CHECK(keys.agrees(6, leaf_hash("another record")));
  CHECK_FALSE(keys.agrees(9, leaf_hash(lines[0])));
  CHECK_FALSE(keys.agrees(5, leaf_hash("another record")));
}

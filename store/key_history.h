// SPDX-License-Identifier: Apache-2.0
// Which key signed the log when: its key may be replaced, by a record that the old and the new one sign. Who trusts any
// of them trusts all, each for its time. FORMAT.md, "Rotation". Functions are thread-safe.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "store/checkpoint.h"
#include "store/merkle.h"
#include "store/record.h"

namespace ward::store {

/// What both keys sign.
std::string rotation_text(const std::string& origin, Sequence sequence, const std::string& was,
                          const std::string& vkey);
/// The payload of the record with that number.
KeyRotation sign_rotation(const std::string& origin, Sequence sequence, const SigningKey& from, const SigningKey& to);

/// A line of STORE/audit/rotations, whose signatures hold.
struct Rotation {
  Sequence sequence = 0;
  KeyRotation record;
  Hash leaf{};  // of the line
};

class KeyHistory {
 public:
  /// "rotations" in the audit folder: the records' lines, kept beside the log so that pruning doesn't reach them.
  static std::filesystem::path path(const std::filesystem::path& audit);
  /// None when there is no such file. Throws Error{corrupt} naming the line that isn't one, or whose signatures don't
  /// hold, or that doesn't follow from the one before; Error{io}.
  static KeyHistory load(const std::filesystem::path& audit);

  const std::vector<Rotation>& rotations() const { return rotations_; }
  /// Those that signed the log, the first one first; none when there is no rotation.
  const std::vector<VerifierKey>& keys() const { return keys_; }
  /// The key that signs checkpoints over `size` records, if `trusted` is one of the log's keys; else `trusted`.
  VerifierKey in_force(Sequence size, const VerifierKey& trusted) const;
  /// False when a rotation has that number, but isn't the record with that hash.
  bool agrees(Sequence sequence, const Hash& leaf) const;

 private:
  void add(std::string_view line);

  std::vector<Rotation> rotations_;
  std::vector<VerifierKey> keys_;  // one more than rotations, unless there is none
};

}  // namespace ward::store

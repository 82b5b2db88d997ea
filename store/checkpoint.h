// SPDX-License-Identifier: Apache-2.0
// Signed checkpoints of the log: C2SP tlog-checkpoint inside a C2SP signed note, signed with Ed25519. Pure;
// thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/crypto.h"

namespace ward::store {

/// What an Ed25519 key signs: a note's text, or (a witness's) the text with the time at which it saw it.
enum class KeyType : char { note = 1, cosignature = 4 };

/// A public key that signs notes as `name`.
struct VerifierKey {
  std::string name;
  std::array<unsigned char, 32> key{};
  KeyType type = KeyType::note;
  bool operator==(const VerifierKey&) const = default;
};

/// `name+hex8(key id)+base64(type ‖ key)`. Throws Error{usage} for a name that is empty or holds spaces or '+'.
std::string to_vkey(const VerifierKey& key);
/// Throws Error{corrupt} for anything that to_vkey can't have made of a key of this type.
VerifierKey parse_vkey(std::string_view vkey, KeyType type = KeyType::note);
/// The 4 bytes that name the key in a signature line.
std::string key_id(const VerifierKey& key);

/// A signed note, taken apart but not verified.
struct Note {
  struct Line {
    std::string name, key_id, signature;  // raw bytes; the key id has 4
  };
  std::string text;  // with its last '\n'
  std::vector<Line> signatures;
};
Note parse_note(std::string_view note);       // throws Error{corrupt}
std::string to_text(const Note::Line& line);  // with its '\n'
std::string sign_note(std::string_view text, const std::string& name, const SigningKey& key);

enum class Signature {
  good,
  absent,  // no line of this key; lines of others prove nothing and are ignored
  bad,     // a line of this key that doesn't verify: the note must be rejected
};
/// Of a key of the type `note`; cosignatures are checked in cosignature.h.
Signature check_note(const Note& note, const VerifierKey& key);

/// What a log promises: its first `size` records have this root.
struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  bool operator==(const Checkpoint&) const = default;
};
/// The note, signed as checkpoint.origin.
std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key);
/// The checkpoint in a note's text; extension lines are ignored. Verifies nothing. Throws Error{corrupt}.
Checkpoint parse_checkpoint(const Note& note);

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
#include "store/cosignature.h"

#include <algorithm>
#include <optional>

#include "store/error.h"

namespace ward::store {
namespace {

constexpr std::size_t kTime = 8, kEd25519 = 64;  // bytes
constexpr std::uint64_t kAhead = 600;            // seconds that a witness's clock may be ahead of ours

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// The time of a good one.
std::optional<std::uint64_t> verified(const Note& note, const Note::Line& line, const VerifierKey& witness) {
  if (line.signature.size() != kTime + kEd25519) return std::nullopt;
  const auto time = big_endian(std::string_view(line.signature).substr(0, kTime));
  const auto message = "cosignature/v1\ntime " + std::to_string(time) + "\n" + note.text;
  const auto* bytes = reinterpret_cast<const unsigned char*>(line.signature.data());
  if (!verify(witness.key, message, {bytes + kTime, kEd25519})) return std::nullopt;
  return time;
}

bool is_of(const Note::Line& line, const VerifierKey& witness) {
  return line.name == witness.name && line.key_id == key_id(witness);
}

}  // namespace

Cosignature check_cosignature(const Note& note, const VerifierKey& witness, std::uint64_t now) {
  Cosignature result;
  for (const auto& line : note.signatures) {
    if (!is_of(line, witness)) continue;
    const auto time = verified(note, line, witness);
    if (!time || *time > now + kAhead) return {Signature::bad, 0};
    result = {Signature::good, std::max(result.time, *time)};
  }
  return result;
}

std::string add_checkpoint_body(std::uint64_t old, std::span<const Hash> proof, std::string_view checkpoint) {
  std::string body = "old " + std::to_string(old) + "\n";
  for (const Hash& hash : proof) body += base64({reinterpret_cast<const char*>(hash.data()), hash.size()}) + "\n";
  return (body += '\n') += checkpoint;
}

std::string with_cosignature(std::string_view checkpoint, std::string_view reply, const VerifierKey& witness,
                             std::uint64_t now) {
  const std::string both = std::string(checkpoint) + std::string(reply);
  const Note note = parse_note(both);
  const Note before = parse_note(checkpoint);
  if (note.text != before.text) throw Error(Code::corrupt, "the witness's answer isn't a list of signatures");
  Note added{note.text,
             {note.signatures.begin() + static_cast<std::ptrdiff_t>(before.signatures.size()), note.signatures.end()}};
  switch (check_cosignature(added, witness, now).signature) {
    case Signature::good:
      break;
    case Signature::absent:
      throw Error(Code::corrupt, "the witness's answer has no cosignature by " + to_vkey(witness));
    case Signature::bad:
      throw Error(Code::corrupt, "the witness's cosignature is wrong, or from the future");
  }
  std::string result(checkpoint);
  for (const auto& line : added.signatures)
    if (is_of(line, witness)) result += to_text(line);
  return result;
}

}  // namespace ward::store

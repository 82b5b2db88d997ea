// SPDX-License-Identifier: Apache-2.0
// C2SP signed-note and tlog-checkpoint.
#include "store/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "store/error.h"
#include "store/json_text.h"

namespace ward::store {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // U+2014 and a space
constexpr std::size_t kMaxNote = 1'000'000;

[[noreturn]] void malformed(const char* what) {
  throw Error(Code::corrupt, std::string("malformed ") + what);
}

bool is_key_name(std::string_view name) {
  return !name.empty() && is_utf8(name) &&
         std::ranges::none_of(name, [](unsigned char c) { return c <= ' ' || c == '+' || c == 0x7f; });
}

std::string typed(const VerifierKey& key) {
  return static_cast<char>(key.type) + std::string(key.key.begin(), key.key.end());
}

std::string hex_of(std::string_view bytes) {
  return hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

// Takes the text up to the next '\n' off `rest`.
std::string_view take_line(std::string_view& rest, const char* what) {
  const auto end = rest.find('\n');
  if (end == rest.npos) malformed(what);
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

Note::Line parse_signature(std::string_view line) {
  if (!line.starts_with(kDash)) malformed("signature line");
  line.remove_prefix(kDash.size());
  const auto space = line.find(' ');
  if (space == line.npos || !is_key_name(line.substr(0, space))) malformed("signature line");
  const std::string bytes = from_base64(line.substr(space + 1));
  if (bytes.size() <= 4) malformed("signature line");
  return {std::string(line.substr(0, space)), bytes.substr(0, 4), bytes.substr(4)};
}

}  // namespace

std::string key_id(const VerifierKey& key) {
  const Hash hash = sha256(key.name + '\n' + typed(key));
  return {hash.begin(), hash.begin() + 4};
}

std::string to_vkey(const VerifierKey& key) {
  if (!is_key_name(key.name)) throw Error(Code::usage, "\"" + key.name + "\" can't name a key");
  return key.name + "+" + hex_of(key_id(key)) + "+" + base64(typed(key));
}

VerifierKey parse_vkey(std::string_view vkey, KeyType type) {
  const auto first = vkey.find('+');
  const auto second = first == vkey.npos ? first : vkey.find('+', first + 1);
  if (second == vkey.npos) malformed("verifier key: expected name+hash+key");
  VerifierKey key{std::string(vkey.substr(0, first)), {}, type};
  const std::string bytes = from_base64(vkey.substr(second + 1));
  if (!is_key_name(key.name) || bytes.size() != 33 || bytes[0] != static_cast<char>(type))
    malformed(type == KeyType::note ? "verifier key: not Ed25519"
                                    : "witness's key: not one for Ed25519 cosignatures (type 04)");
  std::copy(bytes.begin() + 1, bytes.end(), key.key.begin());
  if (vkey.substr(first + 1, second - first - 1) != hex_of(key_id(key))) malformed("verifier key: hash differs");
  return key;
}

Note parse_note(std::string_view note) {
  const bool control = std::ranges::any_of(note, [](unsigned char c) { return c < 0x20 && c != '\n'; });
  if (note.size() > kMaxNote || control || !is_utf8(note)) malformed("note");
  const auto split = note.rfind("\n\n");
  if (split == note.npos) malformed("note: no signatures");
  Note parsed{std::string(note.substr(0, split + 1)), {}};
  auto rest = note.substr(split + 2);
  while (!rest.empty()) parsed.signatures.push_back(parse_signature(take_line(rest, "note: incomplete last line")));
  if (parsed.signatures.empty()) malformed("note: no signatures");
  return parsed;
}

std::string to_text(const Note::Line& line) {
  return std::string(kDash) + line.name + " " + base64(line.key_id + line.signature) + "\n";
}

std::string sign_note(std::string_view text, const std::string& name, const SigningKey& key) {
  const VerifierKey signer{name, key.public_key()};
  to_vkey(signer);  // the name must be one
  const auto signature = key.sign(text);
  return std::string(text) + "\n" + to_text({name, key_id(signer), {signature.begin(), signature.end()}});
}

Signature check_note(const Note& note, const VerifierKey& key) {
  const std::string id = key_id(key);
  auto result = Signature::absent;
  for (const auto& line : note.signatures) {
    if (line.name != key.name || line.key_id != id) continue;
    const auto* bytes = reinterpret_cast<const unsigned char*>(line.signature.data());
    if (!verify(key.key, note.text, {bytes, line.signature.size()})) return Signature::bad;
    result = Signature::good;
  }
  return result;
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key) {
  const std::string_view root(reinterpret_cast<const char*>(checkpoint.root.data()), checkpoint.root.size());
  const std::string text = checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + base64(root) + "\n";
  return sign_note(text, checkpoint.origin, key);
}

Checkpoint parse_checkpoint(const Note& note) {
  std::string_view rest = note.text;
  Checkpoint checkpoint;
  checkpoint.origin = take_line(rest, "checkpoint: no origin");
  if (checkpoint.origin.empty()) malformed("checkpoint: no origin");
  const auto size = take_line(rest, "checkpoint: no size");
  const auto parsed = std::from_chars(size.data(), size.data() + size.size(), checkpoint.size);
  if (parsed.ec != std::errc() || std::to_string(checkpoint.size) != size) malformed("checkpoint: size");
  const std::string root = from_base64(take_line(rest, "checkpoint: no root"));
  if (root.size() != checkpoint.root.size()) malformed("checkpoint: root");
  std::copy(root.begin(), root.end(), checkpoint.root.begin());
  return checkpoint;
}

}  // namespace ward::store

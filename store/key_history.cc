// SPDX-License-Identifier: Apache-2.0
#include "store/key_history.h"

#include <algorithm>

#include "store/error.h"
#include "store/files.h"
#include "store/record_json.h"

namespace ward::store {
namespace {

bool signed_by(const VerifierKey& key, const std::string& text, const std::string& signature) {
  const auto bytes = from_base64(signature);
  return verify(key.key, text, {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

std::string base64_of(const std::array<unsigned char, 64>& signature) {
  return base64({reinterpret_cast<const char*>(signature.data()), signature.size()});
}

}  // namespace

std::string rotation_text(const std::string& origin, Sequence sequence, const std::string& was,
                          const std::string& vkey) {
  return "ward key rotation v1\n" + origin + "\n" + std::to_string(sequence) + "\n" + was + "\n" + vkey + "\n";
}

KeyRotation sign_rotation(const std::string& origin, Sequence sequence, const SigningKey& from, const SigningKey& to) {
  const auto was = to_vkey({origin, from.public_key()}), vkey = to_vkey({origin, to.public_key()});
  const auto text = rotation_text(origin, sequence, was, vkey);
  return {was, vkey, base64_of(from.sign(text)), base64_of(to.sign(text))};
}

std::filesystem::path KeyHistory::path(const std::filesystem::path& audit) {
  return audit / "rotations";
}

KeyHistory KeyHistory::load(const std::filesystem::path& audit) {
  KeyHistory history;
  std::error_code error;
  if (!std::filesystem::exists(path(audit), error)) return history;
  if (!std::filesystem::is_regular_file(path(audit), error))
    throw Error(Code::corrupt, path(audit).string() + " isn't a file");
  const std::string text = read_file(path(audit));
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    ++number;
    try {
      history.add(rest.substr(0, end));
    } catch (const Error& cause) {
      throw Error(Code::corrupt, path(audit).string() + " line " + std::to_string(number) + ": " + cause.what());
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return history;
}

void KeyHistory::add(std::string_view line) {
  const auto record = parse_line(line);
  const auto* rotation = std::get_if<KeyRotation>(&record.payload);
  if (rotation == nullptr) throw Error(Code::corrupt, "not a record that replaces a key");
  const auto was = parse_vkey(rotation->was), now = parse_vkey(rotation->vkey);
  if (was.name != now.name) throw Error(Code::corrupt, "keys of two logs");
  if (!keys_.empty() && (was != keys_.back() || record.sequence <= rotations_.back().sequence))
    throw Error(Code::corrupt, "doesn't follow from the line before it");
  const auto text = rotation_text(was.name, record.sequence, rotation->was, rotation->vkey);
  if (!signed_by(was, text, rotation->by_old) || !signed_by(now, text, rotation->by_new))
    throw Error(Code::corrupt, "its signatures don't hold");
  if (keys_.empty()) keys_.push_back(was);
  keys_.push_back(now);
  rotations_.push_back({record.sequence, *rotation, leaf_hash(line)});
}

VerifierKey KeyHistory::in_force(Sequence size, const VerifierKey& trusted) const {
  if (std::find(keys_.begin(), keys_.end(), trusted) == keys_.end()) return trusted;
  const auto before = [size](const Rotation& rotation) { return rotation.sequence < size; };
  return keys_[static_cast<std::size_t>(std::count_if(rotations_.begin(), rotations_.end(), before))];
}

bool KeyHistory::agrees(Sequence sequence, const Hash& leaf) const {
  return std::none_of(rotations_.begin(), rotations_.end(),
                      [&](const Rotation& rotation) { return rotation.sequence == sequence && rotation.leaf != leaf; });
}

}  // namespace ward::store

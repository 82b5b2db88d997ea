// SPDX-License-Identifier: Apache-2.0
#include "store/audit_claims.h"

#include <algorithm>

#include "store/error.h"
#include "store/files.h"
#include "store/record_json.h"
#include "store/segments.h"

namespace ward::store {
namespace {

std::optional<Record> record_of(const std::string& line) {
  try {
    return parse_line(line);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

Claims claims_of(const std::vector<std::string>& lines, Sequence covered) {
  Claims claims;
  for (const auto& line : lines) {
    const auto record = record_of(line);
    if (!record) continue;
    const bool is_signed = record->sequence < covered;
    if (const auto* prune = std::get_if<Prune>(&record->payload)) {
      auto& furthest = is_signed ? claims.pruned : claims.pruned_unsigned;
      furthest = std::max(furthest, prune->before);
    }
    if (is_signed && std::holds_alternative<KeyRotation>(record->payload)) claims.rotations.push_back(*record);
    if (is_signed && std::holds_alternative<Anchor>(record->payload)) claims.anchors.push_back(*record);
  }
  return claims;
}

std::vector<std::string> strangers_in(const std::filesystem::path& audit) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(audit)) {
    const auto name = entry.path().filename().string();
    const bool known = name == "checkpoint" || name == "vkey" || name == "rotations" || name == "tile" ||
                       name == "anchors" || name.ends_with(".tmp") || first_of(entry.path());
    if (!known) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

bool names_one_of(const std::filesystem::path& audit, const std::vector<VerifierKey>& keys) {
  std::error_code error;
  const auto path = audit / "vkey";
  if (!std::filesystem::exists(path, error)) return true;
  const auto text = std::filesystem::is_regular_file(path, error) ? read_file(path) : "";
  return std::ranges::any_of(keys, [&](const VerifierKey& key) { return text == to_vkey(key) + "\n"; });
}

}  // namespace ward::store

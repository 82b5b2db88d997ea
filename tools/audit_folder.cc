// SPDX-License-Identifier: Apache-2.0
#include "tools/audit_folder.h"

#include "tools/mounts.h"

namespace ward::tools {

std::filesystem::path audit_folder(const std::filesystem::path& given) {
  std::error_code ignored;
  return std::filesystem::is_directory(given / "audit", ignored) ? given / "audit" : given;
}

std::optional<std::filesystem::path> audit_folder_or_here(const std::string& given) {
  if (!given.empty()) return audit_folder(given);
  const auto place = find_mount(".");
  return place ? std::optional(place->root / "@@/audit") : std::nullopt;
}

}  // namespace ward::tools

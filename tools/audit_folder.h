// SPDX-License-Identifier: Apache-2.0
// Which audit folder a command of `ward audit` is about.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace ward::tools {

/// A store has its log in audit/; anything else is taken for a copy of that folder.
std::filesystem::path audit_folder(const std::filesystem::path& given);
/// The folder that was named, else that of the mount one is in; nullopt when that is none.
std::optional<std::filesystem::path> audit_folder_or_here(const std::string& given);
inline constexpr const char* kNoFolder = "name a store or an audit folder, or go into a mount";

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// Sorts the words of `-o`: some are mount(8)'s and fstab's own, some are refused, the rest is libfuse's.
#pragma once
#include <string>
#include <vector>

namespace ward::tools {

struct ParsedOptions {
  std::vector<std::string> for_fuse;
  std::string error;  // "" = fine
};

/// `words` are separated by commas. Pure.
ParsedOptions parse_mount_options(const std::string& words);

}  // namespace ward::tools

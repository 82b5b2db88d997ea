// SPDX-License-Identifier: Apache-2.0
#include "tools/mount_options.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace ward::tools {
namespace {

/// What fstab and mount(8) say to each other, or what is so anyway.
bool ignored(std::string_view word) {
  static constexpr std::array<std::string_view, 14> words = {"",       "rw",       "dev",     "suid",  "exec",
                                                             "auto",   "noauto",   "user",    "users", "owner",
                                                             "nofail", "defaults", "_netdev", "group"};
  return std::find(words.begin(), words.end(), word) != words.end() || word.substr(0, 2) == "x-" ||
         word.substr(0, 8) == "comment=";
}

}  // namespace

ParsedOptions parse_mount_options(const std::string& words) {
  ParsedOptions parsed;
  std::istringstream in(words);
  for (std::string word; std::getline(in, word, ',');) {
    if (ignored(word)) continue;
    if (word == "default_permissions")
      parsed.error = "default_permissions: the kernel would refuse without a record; ward checks mode bits itself";
    if (word.substr(0, 3) == "fd=" || word.substr(0, 9) == "rootmode=" || word.substr(0, 8) == "user_id=")
      parsed.error = word + ": ward sets this itself";
    parsed.for_fuse.push_back(word);
  }
  return parsed;
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// One mount from beginning to end: what `ward mount` calls.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace ward::fs {

struct MountOptions {
  std::filesystem::path store, mountpoint;
  bool foreground = false;
  std::vector<std::string> fuse_options;  // passed to libfuse as they are ("allow_other", "ro", …)
  std::function<void(const std::string&)>
      ready;  // called once the mount answers, with one line of facts (libfuse, passthrough, limits)
};

/// "libfuse 3.18.3"
std::string library();

/// Serves the mount until it is unmounted or SIGTERM/SIGINT/SIGHUP arrives. Throws store::Error when it can't start.
void serve(const MountOptions& options);

}  // namespace ward::fs

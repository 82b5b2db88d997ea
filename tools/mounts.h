// SPDX-License-Identifier: Apache-2.0
// Finding mounts of ward from the outside: the command has no other door to them than any program has.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/files.h"
#include "tools/exit_codes.h"

namespace ward::tools {

/// A path inside a mount, taken apart.
struct InMount {
  std::filesystem::path path;  // absolute, symlinks followed
  std::filesystem::path root;  // the mount's root
  bool is_root() const { return path == root; }
  /// "PATH@@/name", or "ROOT/@@/name" of the root itself.
  std::filesystem::path governance(const std::string& name) const;
};

/// Absolute, with symlinks followed as far as the path exists: a deleted artifact has governance too.
std::filesystem::path resolve(const std::filesystem::path& path);

/// nullopt when the path isn't inside a mount of ward, or that mount doesn't answer.
std::optional<InMount> find_mount(const std::filesystem::path& path);

/// Whether something is mounted on exactly this absolute path; true as well for a mount whose daemon is gone.
bool is_mountpoint(const std::filesystem::path& path);

/// The file's bytes, nullopt (and errno) when it can't be opened or read.
std::optional<std::string> slurp(const std::filesystem::path& file);

/// A file that others write to: reads on from where it stopped.
class GrowingFile {
 public:
  explicit GrowingFile(store::Fd fd) : fd_(std::move(fd)) {}
  /// Calls `use` with each block up to the end of now; false (and errno) when it can't be read.
  bool read_on(const std::function<void(std::string_view)>& use) const;

 private:
  store::Fd fd_;
};
/// Null (and errno) when it can't be opened.
std::unique_ptr<GrowingFile> open_growing(const std::filesystem::path& file);

/// Says that a file of the mount can't be read (error: errno), with the mount's own explanation after a refusal.
Exit unreadable(const InMount& place, const std::string& path, int error);

/// Says that a path isn't inside a mount.
Exit not_in_mount(const std::string& path);

/// The value of a line "key value" of @@/status; "" when it isn't there.
std::string status_value(const std::string& status, const std::string& key);

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
#include "tools/mounts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "store/files.h"
#include "tools/commands.h"

namespace ward::tools {
namespace {

/// mountinfo writes space, tab, newline and backslash as three octal digits.
std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
    i += 3;
  }
  return out;
}

std::optional<dev_t> device(const std::filesystem::path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) return std::nullopt;
  return st.st_dev;
}

}  // namespace

std::filesystem::path InMount::governance(const std::string& name) const {
  return is_root() ? root / "@@" / name : std::filesystem::path(path.string() + "@@") / name;
}

std::filesystem::path resolve(const std::filesystem::path& path) {
  std::error_code error;
  auto whole = std::filesystem::canonical(path, error);
  if (!error) return whole;
  whole = std::filesystem::absolute(path, error);
  if (whole.filename().empty()) whole = whole.parent_path();  // a final slash
  const auto parent = std::filesystem::canonical(whole.parent_path(), error);
  return error ? whole.lexically_normal() : parent / whole.filename();
}

std::optional<InMount> find_mount(const std::filesystem::path& path) {
  InMount found;
  found.path = resolve(path);
  auto at = found.path;
  auto own = device(at);
  while (!own && at.has_relative_path()) own = device(at = at.parent_path());
  if (!own) return std::nullopt;
  while (at.has_relative_path() && device(at.parent_path()) == own) at = at.parent_path();
  found.root = at;
  struct stat st {};
  if (::stat((at / "@@/status").c_str(), &st) != 0) return std::nullopt;
  return found;
}

bool is_mountpoint(const std::filesystem::path& path) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    fields >> id >> parent >> device >> root >> point;
    if (unescape(point) == path.string()) return true;
  }
  return false;
}

std::unique_ptr<GrowingFile> open_growing(const std::filesystem::path& file) {
  store::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? std::make_unique<GrowingFile>(std::move(fd)) : nullptr;
}

bool GrowingFile::read_on(const std::function<void(std::string_view)>& use) const {
  std::string block(1 << 20, '\0');
  for (;;) {
    const ssize_t n = ::read(fd_.get(), block.data(), block.size());
    if (n <= 0) return n == 0;
    use(std::string_view(block).substr(0, static_cast<std::size_t>(n)));
  }
}

std::optional<std::string> slurp(const std::filesystem::path& file) {
  std::string bytes;
  const auto opened = open_growing(file);
  if (!opened || !opened->read_on([&bytes](std::string_view block) { bytes += block; })) return std::nullopt;
  return bytes;
}

Exit unreadable(const InMount& place, const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) return fail(Exit::no_such_path, path + ": " + std::strerror(error));
  const auto code = fail(Exit::failure, path + ": " + std::strerror(error));
  if (error == EACCES || error == EPERM)
    if (const auto why = slurp(place.root / "@@/why")) std::fputs(why->c_str(), stderr);
  return code;
}

Exit not_in_mount(const std::string& path) {
  return fail(Exit::not_a_mount, path + ": not inside a mount of ward, or its daemon is gone");
}

std::string status_value(const std::string& status, const std::string& key) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);)
    if (line.rfind(key + " ", 0) == 0) return line.substr(key.size() + 1);
  return "";
}

}  // namespace ward::tools

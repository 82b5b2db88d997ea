// SPDX-License-Identifier: Apache-2.0
// Escaping. A name that needs it gets its first byte, every '%' and every backslash written as %XX; so an escaped name
// is one that begins with %XX, and a name that looks like that by itself is escaped too.
#include "store/git_names.h"

namespace ward::store {
namespace {

constexpr std::size_t kLongestName = 255, kLongestPath = 4095;
constexpr std::string_view kHex = "0123456789ABCDEF";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// Length of the code point at the front that HFS+ ignores in names, 0 for any other.
std::size_t ignored_by_hfs(std::string_view s) {
  if (s.size() < 3) return 0;
  const auto a = static_cast<unsigned char>(s[0]), b = static_cast<unsigned char>(s[1]),
             c = static_cast<unsigned char>(s[2]);
  const bool ignored = (a == 0xe2 && b == 0x80 && ((c >= 0x8c && c <= 0x8f) || (c >= 0xaa && c <= 0xae))) ||
                       (a == 0xe2 && b == 0x81 && c >= 0xaa && c <= 0xaf) || (a == 0xef && b == 0xbb && c == 0xbf);
  return ignored ? 3 : 0;
}

/// The name as a file system that ignores case and invisible characters compares it.
std::string folded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto skip = ignored_by_hfs(name);
    if (skip == 0) out += lower(name.front());
    name.remove_prefix(skip == 0 ? 1 : skip);
  }
  return out;
}

/// GIT~1, GI7EBA~1, LFSCON~1, MAILMA~1 …: what NTFS may call the names below. Wider than git's own test on purpose.
bool short_name(std::string_view s) {
  if (!s.starts_with("gi") && !s.starts_with("lf") && !s.starts_with("ma")) return false;
  const auto tilde = s.find('~');
  return tilde <= 6 && tilde + 1 < s.size() && digit(s[tilde + 1]);
}

bool interpreted(std::string_view name) {
  const auto plain = folded(name);
  for (std::string_view rest = plain;;) {  // '\\' separates folders on Windows
    for (const std::string_view taken : {".git", ".lfsconfig", ".mailmap"})
      if (rest.starts_with(taken)) return true;
    if (short_name(rest)) return true;
    const auto next = rest.find('\\');
    if (next == std::string_view::npos) return false;
    rest.remove_prefix(next + 1);
  }
}

/// Value of the %XX at the front, or nullopt.
std::optional<char> percent(std::string_view s) {
  if (s.size() < 3 || s[0] != '%') return std::nullopt;
  const auto high = kHex.find(s[1]), low = kHex.find(s[2]);
  if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

}  // namespace

std::string git_escape(std::string_view name) {
  if (!percent(name) && !interpreted(name)) return std::string(name);
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (i == 0 || byte == '%' || byte == '\\')
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    else
      out += name[i];
  }
  return out;
}

std::string git_unescape(std::string_view tree_name) {
  if (!percent(tree_name)) return std::string(tree_name);
  std::string out;
  while (!tree_name.empty()) {
    const auto byte = percent(tree_name);
    out += byte.value_or(tree_name.front());
    tree_name.remove_prefix(byte ? 3 : 1);
  }
  return out;
}

bool unpublishable(std::string_view path) {
  return !git_path(path);
}

std::optional<std::string> git_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  std::string out;
  for (bool inside_git = false;;) {
    path.remove_prefix(1);  // the '/'
    const auto end = path.find('/');
    const auto name = path.substr(0, end);
    if (inside_git || name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos)
      return std::nullopt;
    const auto escaped = git_escape(name);
    if (escaped.size() > kLongestName) return std::nullopt;
    out += (out.empty() ? "" : "/") + escaped;
    if (end == std::string_view::npos) break;
    inside_git = name == ".git";
    path.remove_prefix(end);
  }
  if (out.size() > kLongestPath) return std::nullopt;
  return out;
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// Everything that a user can choose (names, paths) is escaped or cleaned here, so that it can't forge a header or a
// trailer.
#include "store/git_message.h"

#include <algorithm>

#include "store/json_text.h"

namespace ward::store {
namespace {

constexpr Nanos kSecond = 1'000'000'000;

/// Git ends a name at '<' and drops punctuation at its ends.
std::string clean(std::string_view text, std::string_view fallback) {
  std::string out;
  if (is_utf8(text))
    for (const char c : text)
      if (static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '<' && c != '>') out += c;
  constexpr std::string_view crud = ".,:;<>\"\\'";
  const auto first = out.find_first_not_of(crud);
  if (first == std::string::npos) return std::string(fallback);
  return out.substr(first, out.find_last_not_of(crud) - first + 1);
}

std::string signature(const Person& who) {
  return who.name + " <" + who.email + ">";
}

}  // namespace

Person person(std::string_view user, std::string_view host) {
  const auto name = clean(user, "unknown");
  return {name, name + "@" + clean(host, "localhost")};
}

std::string line_of(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  std::string out;
  append_escaped(out, path);
  return out;
}

std::string commit_object(const std::string& tree, const std::optional<std::string>& parent, const CommitInfo& info) {
  const auto when = std::to_string(std::max<Nanos>(info.time, 0) / kSecond) + " +0000";
  std::string out = "tree " + tree + "\n";
  if (parent) out += "parent " + *parent + "\n";
  out += "author " + signature(info.author) + " " + when + "\n";
  out += "committer " + signature(info.author) + " " + when + "\n\n";
  out += info.subject + "\n";
  if (!info.trailers.empty() || !info.co_authors.empty()) out += "\n";
  for (const auto& trailer : info.trailers) out += trailer + "\n";
  for (const auto& other : info.co_authors) out += "Co-authored-by: " + signature(other) + "\n";
  return out;
}

}  // namespace ward::store

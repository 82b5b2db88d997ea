// SPDX-License-Identifier: Apache-2.0
#include "store/log_terms.h"

#include <charconv>

#include "store/json_text.h"
#include "store/segments.h"

namespace ward::store {
namespace {

using Fn = std::function<void(Term)>;

// What a key looks like in a line: no string holds a quote that isn't escaped.
constexpr std::string_view kArtifact = "\"artifact\":", kSha256 = "\"sha256\":\"", kPath = "\"path\":\"",
                           kToPath = "\"to_path\":\"", kUser = "\"user\":{\"id\":", kProcess = "\"process\":{\"pid\":";
constexpr std::size_t kShaSize = 8;                 // hex digits of a hash that are a term
constexpr std::size_t kTimeAt = 15, kDaySize = 10;  // {"@timestamp":"2026-11-23…

/// FNV-1a, which grows with the text.
class Hash {
 public:
  explicit Hash(std::string_view text) { add(text); }
  Hash& add(std::string_view text) {
    for (const char c : text) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return *this;
  }
  Term term() const { return state_ | kHashed; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

Term term(std::string_view kind, std::string_view value) {
  return Hash(kind).add(value).term();
}

std::string escaped(const std::string& value) {
  std::string text;
  append_escaped(text, value);
  return text;
}

/// The string or number that begins `text`, as it is written.
std::string_view value_of(std::string_view text, bool quoted) {
  std::size_t end = 0;
  while (end < text.size() && (quoted ? text[end] != '"' : text[end] >= '0' && text[end] <= '9'))
    end += quoted && text[end] == '\\' ? 2 : 1;
  return text.substr(0, end);
}

/// That of the first `key`; `line` is then what follows. "" when there is none.
std::string_view take(std::string_view& line, std::string_view key) {
  const auto at = line.find(key);
  if (at == line.npos) return {};
  const auto value = value_of(line.substr(at + key.size()), key.ends_with('"'));
  line.remove_prefix(at + key.size() + value.size());
  return value;
}

void each_artifact(std::string_view line, const std::function<void(Id)>& fn) {
  for (auto at = line.find(kArtifact); at != line.npos; at = line.find(kArtifact, at + kArtifact.size())) {
    Id id = 0;
    const auto* digits = line.data() + at + kArtifact.size();
    if (std::from_chars(digits, line.data() + line.size(), id).ptr != digits) fn(id);
  }
}

/// "/a/b": of "/", "/a" and "/a/b".
void each_folder(std::string_view path, const Fn& fn) {
  Hash hash("path=");
  fn(Hash(hash).add("/").term());
  for (std::size_t at = 0; at < path.size() && path != "/";) {
    const auto end = std::min(path.find('/', at + 1), path.size());
    fn(hash.add(path.substr(at, end - at)).term());
    at = end;
  }
}

/// What every path that the pattern matches begins with, cut before its last name; "" for patterns of any depth.
std::string_view fixed_part(std::string_view pattern) {
  if (!pattern.starts_with('/')) return {};
  const auto special = pattern.find_first_of("*?[\\");
  if (special == pattern.npos) return pattern;
  const auto end = pattern.rfind('/', special);
  return end == 0 ? std::string_view("/") : pattern.substr(0, end);
}

bool is_number(const std::string& text) {
  return text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

void terms_of(std::string_view line, const Fn& fn) {
  each_artifact(line, [&](Id id) { fn(id & ~kHashed); });
  fn(term("day=", day_of(line)));
  std::string_view rest = line;
  fn(term("action=", take(rest, "\"action\":\"")));
  if (take(rest, "\"outcome\":\"") == "failure") fn(term("outcome=", "failure"));
  fn(term("user=", take(rest, kUser)));
  fn(term("user=", take(rest, "\"name\":\"")));
  fn(term("login-user=", take(rest, "\"login\":")));
  fn(term("login-user=", take(rest, "\"login_name\":\"")));
  if (auto process = rest; !take(process, kProcess).empty()) {
    fn(term("process=", take(process, "\"entity_id\":\"")));
    const auto executable = take(process, "\"executable\":\"");
    fn(term("process=", executable));
    fn(term("process=", executable.substr(executable.rfind('/') + 1)));
  }
  for (auto at = line.find(kSha256); at != line.npos; at = line.find(kSha256, at + kSha256.size()))
    fn(term("sha256=", line.substr(at + kSha256.size(), kShaSize)));
  for (const auto key : {kPath, kToPath}) {
    auto more = line;
    if (const auto path = take(more, key); !path.empty()) each_folder(path, fn);
  }
}

std::vector<Term> terms_of(const LogFilter& filter) {
  std::vector<Term> terms;
  const auto add = [&](std::string_view kind, const std::string& value) {
    if (!value.empty()) terms.push_back(term(kind, escaped(value)));
  };
  if (filter.artifact) terms.push_back(*filter.artifact & ~kHashed);
  add("user=", filter.user);
  add("login-user=", filter.login_user);
  if (!is_number(filter.process)) add("process=", filter.process);
  if (filter.actions.size() == 1) add("action=", filter.actions.front());
  if (filter.outcome == "failure") add("outcome=", filter.outcome);
  if (filter.since.substr(0, kDaySize) == filter.until.substr(0, kDaySize))
    add("day=", filter.since.substr(0, kDaySize));
  if (filter.sha256.size() >= kShaSize) add("sha256=", filter.sha256.substr(0, kShaSize));
  add("path=", std::string(fixed_part(filter.pattern)));
  return terms;
}

Term term_of(std::string_view text) {
  return Hash(text).term();
}

std::string_view day_of(std::string_view line) {
  return time_of(line) ? line.substr(kTimeAt, kDaySize) : std::string_view();
}

bool names_artifact(std::string_view line, Id artifact) {
  bool found = false;
  each_artifact(line, [&](Id id) { found = found || id == artifact; });
  return found;
}

}  // namespace ward::store

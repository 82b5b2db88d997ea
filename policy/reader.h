// SPDX-License-Identifier: Apache-2.0
// Reads typed values out of the TOML tree. The first problem is kept and reading goes on with defaults, so that callers
// need no error paths: whoever reads asks Problems once, at the end.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/compiled.h"
#include "policy/toml_tree.h"

namespace ward::policy {

/// Keeps the first problem reported.
class Problems {
 public:
  void add(const Node& at, std::string cause) { add(at.line, at.column, std::move(cause)); }
  void add(int line, int column, std::string cause) {
    if (!first_) first_ = ParseError{line, column, std::move(cause)};
  }
  const std::optional<ParseError>& first() const noexcept { return first_; }

 private:
  std::optional<ParseError> first_;
};

/// `"a", "b" or "c"`: for causes that list what is allowed.
std::string quoted_list(const std::vector<std::string>& words);

/// Reports when `node` isn't a table or has a key that isn't in `keys`. `what` names it for people, as "[[permit]]".
bool check_table(const Node& node, std::string_view what, std::initializer_list<const char*> keys, Problems& problems);

/// The tables of `[[key]]`; none when absent. Reports when it is something else.
const std::vector<Node>& tables(const Node& parent, const std::string& key, Problems& problems);

/// The value of `key`; reports and returns nullptr when it is missing.
const Node* require(const Node& table, const char* key, std::string_view what, Problems& problems);

/// A text of at least one byte.
std::string read_text(const Node& node, Problems& problems);
bool read_boolean(const Node& node, Problems& problems);
/// A number from `least` to `most`, both included; else reports and gives `least`.
std::int64_t read_integer(const Node& node, std::int64_t least, std::int64_t most, Problems& problems);
/// A list of at least one text.
std::vector<std::string> read_texts(const Node& node, Problems& problems);
/// A list of at least one pattern.
std::vector<Glob> read_globs(const Node& node, Problems& problems);
/// A name for people and logs: 1 to 100 bytes, no control characters, none of the names with a meaning of their own.
std::string read_name(const Node& node, Problems& problems);
/// The index of the text in `words`; else reports which there are and gives 0.
std::size_t read_choice(const Node& node, std::string_view what, const std::vector<std::string>& words,
                        Problems& problems);
/// A path: begins with '/', normalised.
std::string read_path(const Node& node, Problems& problems);
/// A length of time such as "90d", in nanoseconds; the largest int64 for "forever".
std::int64_t read_duration(const Node& node, Problems& problems);
/// An instant, in nanoseconds since 1970 UTC: a TOML date-time with an offset, or a text of that form.
std::int64_t read_instant(const Node& node, Problems& problems);
/// Hours of the day such as "08:00-18:00", UTC.
Hours read_hours(const Node& node, Problems& problems);
/// A user or group id.
std::uint32_t read_id(const Node& node, Problems& problems);

}  // namespace ward::policy

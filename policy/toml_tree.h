// SPDX-License-Identifier: Apache-2.0
// TOML text as a plain tree with positions. The only door to the TOML library, so that the rest compiles without it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/policy.h"

namespace ward::policy {

struct Entry;

/// A value and where it begins in the text.
struct Node {
  enum class Kind { text, integer, real, boolean, time, array, table };
  Kind kind = Kind::table;
  int line = 1;
  int column = 1;
  std::string text;  // of a text; of a time, RFC 3339
  std::int64_t integer = 0;
  bool boolean = false;
  std::vector<Node> items;     // of an array
  std::vector<Entry> entries;  // of a table, in the order of the text

  /// The value of a table's key; nullptr when it has none.
  const Node* find(std::string_view key) const noexcept;
};

/// A key of a table; line and column are the key's.
struct Entry {
  std::string key;
  int line = 1;
  int column = 1;
  Node value;
};

/// Parses TOML 1.0. Text that would exhaust the parser's stack or memory is refused as an error too.
std::variant<Node, ParseError> parse_toml(std::string_view text);

}  // namespace ward::policy

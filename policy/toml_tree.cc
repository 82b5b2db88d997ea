// SPDX-License-Identifier: Apache-2.0
// Copies the TOML library's tree into Nodes, in the order of the text.
#include "policy/toml_tree.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

// toml++ 3.3 asserts what malformed text violates, and goes on to report that text as an error. With NDEBUG and clang
// the assertions become promises to the optimizer, which is worse.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace ward::policy {
namespace {

constexpr std::size_t kTextMax = 1 << 20;
constexpr int kDotsMax = 4000;  // toml++ recurses once for each dot of a key: 10,000 were harmless, 20,000 not

/// The position behind the string that opens at `at` with a quote; a single-line string ends at its line's end at last.
std::size_t skip_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string triple(3, quote);
  const bool multi_line = text.substr(at, 3) == triple;
  std::size_t i = at + (multi_line ? 3 : 1);
  while (i < text.size()) {
    if (quote == '"' && text[i] == '\\') {
      i += 2;
    } else if (multi_line && text.substr(i, 3) == triple) {
      i += 3;
      for (int extra = 0; extra < 2 && i < text.size() && text[i] == quote; ++extra) ++i;  // """a""" may end in """""
      return i;
    } else if (!multi_line && (text[i] == quote || text[i] == '\n')) {
      return i + 1;
    } else {
      ++i;
    }
  }
  return text.size();
}

ParseError error_at(std::string_view text, std::size_t at, std::string cause) {
  ParseError error{1, 1, std::move(cause)};
  for (const char byte : text.substr(0, at)) {
    const bool begins_character = (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
    error.line += byte == '\n' ? 1 : 0;
    error.column = byte == '\n' ? 1 : error.column + (begins_character ? 1 : 0);
  }
  return error;
}

/// Refuses what the library answers with undefined behaviour: keys so deep that recursion would exhaust the stack, and
/// outside strings and comments, characters that aren't ASCII. TOML has none there, but what follows a malformed value
/// is skipped without regard to quotes: so strings, lists and tables must not begin in the middle of a word either.
std::optional<ParseError> refuse_early(std::string_view text) {
  int dots = 0;
  int depth = 0;          // of brackets in a value
  bool in_value = false;  // else in a key or in a table's header, where a quote may follow a dot
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const bool quote = c == '"' || c == '\'';
    const bool bracket = c == '[' || c == '{';
    if ((quote || bracket) && i > 0) {
      const std::string_view before = quote && !in_value ? " \t\r\n=[{,." : " \t\r\n=[{,";
      if (before.find(text[i - 1]) == std::string_view::npos) {
        return error_at(text, i, "a quote or bracket in the middle of a word: put quotes around all of it");
      }
    }
    if (c == '=') in_value = true;
    if (c == '\n' && depth == 0) in_value = false;
    if (in_value) depth += bracket ? 1 : c == ']' || c == '}' ? -1 : 0;
    if (quote) {
      i = skip_string(text, i);
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      return error_at(text, i, "a character outside ASCII: put the text or the key in quotes");
    } else if (text[i++] == '.' && ++dots > kDotsMax) {
      return error_at(text, i - 1, "over 4,000 dots in keys: write shorter keys");
    }
  }
  return std::nullopt;
}

template <class Positioned>
void place(Positioned& at, const toml::source_region& source) {
  at.line = static_cast<int>(source.begin.line);
  at.column = static_cast<int>(source.begin.column);
}

template <class Time>
std::string rfc3339(const Time& time) {
  std::ostringstream out;
  out << time;
  return out.str();
}

Node copy(const toml::node& from);

void copy_entries(const toml::table& from, Node& to) {
  for (auto&& [key, value] : from) {
    Entry entry{std::string(key.str()), 1, 1, copy(value)};
    place(entry, key.source());
    to.entries.push_back(std::move(entry));
  }
  std::sort(to.entries.begin(), to.entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.line, a.column) < std::pair(b.line, b.column); });
}

Node copy(const toml::node& from) {
  Node to;
  place(to, from.source());
  if (const auto* text = from.as_string()) {
    to.kind = Node::Kind::text;
    to.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    to.kind = Node::Kind::integer;
    to.integer = integer->get();
  } else if (from.is_floating_point()) {
    to.kind = Node::Kind::real;
  } else if (const auto* boolean = from.as_boolean()) {
    to.kind = Node::Kind::boolean;
    to.boolean = boolean->get();
  } else if (const auto* array = from.as_array()) {
    to.kind = Node::Kind::array;
    for (const toml::node& item : *array) to.items.push_back(copy(item));
  } else if (const auto* table = from.as_table()) {
    copy_entries(*table, to);
  } else {
    to.kind = Node::Kind::time;
    if (const auto* instant = from.as_date_time()) to.text = rfc3339(instant->get());
    if (const auto* date = from.as_date()) to.text = rfc3339(date->get());
    if (const auto* clock = from.as_time()) to.text = rfc3339(clock->get());
  }
  return to;
}

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

std::variant<Node, ParseError> parse_toml(std::string_view text) {
  if (text.size() > kTextMax) return ParseError{1, 1, "the text is over 1 MiB: remove what isn't needed"};
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);  // a byte order mark
  if (auto error = refuse_early(text)) return *error;
  const toml::parse_result result = toml::parse(text);
  if (result) return copy(result.table());
  ParseError error;
  place(error, result.error().source());
  error.cause = std::string(result.error().description()) + ": correct the TOML here";
  return error;
}

}  // namespace ward::policy

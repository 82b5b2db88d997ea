// SPDX-License-Identifier: Apache-2.0
// Patterns for paths. Bytes, no locale:
//   *       any bytes of one name (also none, also a leading dot)     ?     one byte of a name
//   **      as a whole component: any number of components, also none  [a-z] one byte of the set; [!a-z] one outside
//   \c      the byte c itself
// A pattern that begins with '/' is matched from the root, any other at every depth: `*.tmp`, `.git/**`.
#pragma once
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ward::policy {

/// One compiled pattern. Immutable, safe to use from any number of threads.
class Glob {
 public:
  /// Compiles; the string is what is wrong with the pattern and what to write instead.
  static std::variant<Glob, std::string> compile(std::string_view pattern);

  /// Whether the whole of `path` ("/" or "/a/b") matches. Allocates nothing. Takes at most
  /// length(path) x length(pattern) steps, whatever the pattern.
  bool matches(std::string_view path) const noexcept;

 private:
  struct Token {
    enum class Kind : std::uint8_t { byte, any, star, set } kind = Kind::byte;
    char byte = 0;
    std::uint32_t set = 0;  // index in Component::sets
  };
  struct Component {
    bool deep = false;     // is `**`
    bool literal = false;  // has no special tokens: compare `text`
    std::string text;
    std::vector<Token> tokens;
    std::vector<std::bitset<256>> sets;
    bool accepts(const Token& token, char byte) const noexcept;
    bool matches(std::string_view name) const noexcept;
  };

  static std::string compile_component(std::string_view text, Component& out);
  static std::string compile_set(std::string_view text, std::size_t& at, Component& out);

  std::vector<Component> parts_;
};

/// Whether one of `globs` matches.
bool any_match(const std::vector<Glob>& globs, std::string_view path) noexcept;

}  // namespace ward::policy

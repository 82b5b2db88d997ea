// SPDX-License-Identifier: Apache-2.0
// Compiles and matches patterns. Both levels (`**` over components, `*` over bytes) use the same greedy algorithm: on a
// mismatch only the last star takes one more, because an earlier star could gain nothing by it. So no blow-up.
#include "policy/glob.h"

#include <algorithm>
#include <utility>

namespace ward::policy {

std::string Glob::compile_set(std::string_view text, std::size_t& at, Component& out) {
  std::bitset<256> set;
  std::size_t i = at + 1;
  const bool negated = i < text.size() && text[i] == '!';
  if (negated) ++i;
  if (i < text.size() && text[i] == '^') return "'^' begins a set: write [!...] to negate, or [\\^...] for the byte";
  const auto take = [&](unsigned char& byte) {
    if (i < text.size() && text[i] == '\\') ++i;
    if (i >= text.size()) return false;
    byte = static_cast<unsigned char>(text[i++]);
    return true;
  };
  for (bool first = true; i < text.size() && (text[i] != ']' || first); first = false) {
    if (text.substr(i, 2) == "[:") return "classes such as [:alpha:] are not supported: write ranges such as [A-Za-z]";
    unsigned char low = 0;
    if (!take(low)) break;
    unsigned char high = low;
    if (i + 1 < text.size() && text[i] == '-' && text[i + 1] != ']') {
      ++i;
      if (!take(high)) break;
    }
    if (low >= 0x80 || high >= 0x80) return "a set holds single bytes: it can't hold a character outside ASCII";
    if (low > high) return "a range in a set runs backwards: write the lower byte first, as in [a-z]";
    for (unsigned byte = low; byte <= high; ++byte) set.set(byte);
  }
  if (i >= text.size()) return "'[' is not closed within the name: add ']', or write \\[ for the byte";
  at = i;
  out.tokens.push_back({Token::Kind::set, 0, static_cast<std::uint32_t>(out.sets.size())});
  out.sets.push_back(negated ? ~set : set);
  return "";
}

std::string Glob::compile_component(std::string_view text, Component& out) {
  if (text.empty()) return "empty name in a pattern: remove the doubled, leading or trailing '/'";
  if (text == "." || text == "..") return "'.' and '..' never match: write the path itself";
  out.deep = text == "**";
  if (out.deep) return "";
  if (text.find("**") != std::string_view::npos) return "'**' must stand alone between slashes, as in /models/**/x.bin";
  out.literal = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    Token token{Token::Kind::byte, text[i], 0};
    if (text[i] == '[') {
      if (std::string wrong = compile_set(text, i, out); !wrong.empty()) return wrong;
      out.literal = false;
      continue;
    }
    if (text[i] == '\\') {
      if (++i == text.size()) return "'\\' escapes nothing: write \\\\ for the byte";
      token.byte = text[i];
    } else if (text[i] == '*') {
      token.kind = Token::Kind::star;
    } else if (text[i] == '?') {
      token.kind = Token::Kind::any;
    }
    out.literal = out.literal && token.kind == Token::Kind::byte;
    out.text += token.byte;
    out.tokens.push_back(token);
  }
  return "";
}

std::variant<Glob, std::string> Glob::compile(std::string_view pattern) {
  if (pattern.empty()) return "empty pattern: write a path such as /models/** or a name such as *.tmp";
  Glob glob;
  if (pattern.front() == '/') {
    pattern.remove_prefix(1);
    if (pattern.empty()) return glob;  // "/": the root alone
  } else {
    glob.parts_.emplace_back().deep = true;
  }
  for (bool more = true; more;) {
    const std::size_t slash = pattern.find('/');
    more = slash != std::string_view::npos;
    Component part;
    if (std::string wrong = compile_component(pattern.substr(0, slash), part); !wrong.empty()) return wrong;
    if (more) pattern.remove_prefix(slash + 1);
    if (part.deep && !glob.parts_.empty() && glob.parts_.back().deep) continue;  // `**/**` says no more than `**`
    glob.parts_.push_back(std::move(part));
  }
  return glob;
}

bool Glob::Component::accepts(const Token& token, char byte) const noexcept {
  switch (token.kind) {
    case Token::Kind::byte:
      return token.byte == byte;
    case Token::Kind::set:
      return sets[token.set][static_cast<unsigned char>(byte)];
    case Token::Kind::any:
    case Token::Kind::star:
      break;
  }
  return true;
}

bool Glob::Component::matches(std::string_view name) const noexcept {
  if (literal) return name == text;
  std::size_t token = 0;
  std::size_t at = 0;
  std::size_t star = tokens.size();  // the last star passed; tokens.size() = none yet
  std::size_t resume = 0;            // where the name goes on if that star takes no more
  while (at < name.size()) {
    if (token < tokens.size() && tokens[token].kind == Token::Kind::star) {
      star = token++;
      resume = at;
    } else if (token < tokens.size() && accepts(tokens[token], name[at])) {
      ++token;
      ++at;
    } else if (star < tokens.size()) {
      token = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (token < tokens.size() && tokens[token].kind == Token::Kind::star) ++token;
  return token == tokens.size();
}

bool Glob::matches(std::string_view path) const noexcept {
  if (path.empty() || path.front() != '/') return false;
  path.remove_prefix(1);
  if (parts_.size() == 2 && parts_[0].deep && !path.empty()) {  // a base name: the commonest, so without the walk
    return parts_[1].matches(path.substr(path.rfind('/') + 1));
  }
  std::size_t part = 0;
  std::size_t star = parts_.size();
  std::string_view resume;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view rest = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (part < parts_.size() && parts_[part].deep) {
      if (part + 1 == parts_.size()) return true;
      star = part++;
      resume = path;
    } else if (part < parts_.size() && parts_[part].matches(path.substr(0, slash))) {
      ++part;
      path = rest;
    } else if (star < parts_.size()) {
      part = star + 1;
      const std::size_t next = resume.find('/');
      resume = next == std::string_view::npos ? std::string_view() : resume.substr(next + 1);
      path = resume;
    } else {
      return false;
    }
  }
  while (part < parts_.size() && parts_[part].deep) ++part;
  return part == parts_.size();
}

bool any_match(const std::vector<Glob>& globs, std::string_view path) noexcept {
  return std::any_of(globs.begin(), globs.end(), [&](const Glob& glob) { return glob.matches(path); });
}

}  // namespace ward::policy

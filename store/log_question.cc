// SPDX-License-Identifier: Apache-2.0
#include "store/log_question.h"

#include <charconv>

#include "store/json_text.h"

namespace ward::store {
namespace {

constexpr std::size_t kLongestName = 255;
const std::string kGrammar =
    "expected key=value,key=value with %2C, %2F and %25 for a comma, a slash and a percent sign";
constexpr std::string_view kAll = "all";
constexpr std::string_view kSpecial = ",/%@";  // no name ends in "@@"
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

std::string encoded(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (kSpecial.find(c) == kSpecial.npos) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text.append({'%', kHexDigits[byte / 16], kHexDigits[byte % 16]});
    }
  }
  return text;
}

/// nullopt for a '%' without two hex digits.
std::optional<std::string> decoded(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = static_cast<unsigned char>(text[i]);
    if (byte == '%') {
      const auto* digits = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return std::nullopt;
      i += 2;
    }
    value += static_cast<char>(byte);
  }
  return value;
}

std::string stamp(Nanos time) {
  std::string text;
  append_time(text, time, 6);
  return text;
}

std::optional<Nanos> unit(std::string_view text) {
  constexpr Nanos kSecond = 1'000'000'000;
  if (text == "s") return kSecond;
  if (text == "m") return 60 * kSecond;
  if (text == "h") return 3600 * kSecond;
  if (text == "d") return 86'400 * kSecond;
  if (text == "w") return 7 * 86'400 * kSecond;
  if (text == "y") return 365 * 86'400 * kSecond;
  return std::nullopt;
}

std::string* text_of(LogFilter& filter, const std::string& key) {
  if (key == "user") return &filter.user;
  if (key == "login-user") return &filter.login_user;
  return key == "process" ? &filter.process : nullptr;
}

std::string outcome_of(const std::string& word) {
  if (word == "ok" || word == "success") return "success";
  return word == "refused" || word == "failure" ? "failure" : "";
}

std::string not_this(const std::string& value, std::string expected) {
  return expected.append(", not \"").append(harmless(value)).append("\"");
}

}  // namespace

std::string add_condition(LogFilter& filter, const std::string& key, const std::string& value, Nanos now) {
  if (value.empty()) return "it is empty";
  if (key == "sha256") {
    filter.sha256 = value;
    for (char& c : filter.sha256) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    if (filter.sha256.size() > 64 || filter.sha256.find_first_not_of("0123456789abcdef") != value.npos)
      return not_this(value, "up to 64 hex digits");
  } else if (auto* text = text_of(filter, key)) {
    *text = value;
  } else if (key == "action") {
    filter.actions.push_back(value);
  } else if (key == "since" || key == "until") {
    const auto time = parse_when(value, now, key == "until");
    if (!time)
      return not_this(value, "a time as 2026-11-23T10:04:05Z, a date, or how long ago (90d, 12h, 30m, 2w, 1y)");
    (key == "since" ? filter.since : filter.until) = *time;
  } else if (key == "outcome") {
    const auto outcome = outcome_of(value);
    if (outcome.empty()) return not_this(value, "success or failure");
    filter.outcome = outcome;
  } else if (key == "artifact") {
    Id id = 0;
    const auto* end = value.data() + value.size();
    if (std::from_chars(value.data(), end, id).ptr != end) return not_this(value, "an artifact's number");
    filter.artifact = id;
  } else if (key == "path") {
    auto compiled = policy::Glob::compile(value);
    if (const auto* wrong = std::get_if<std::string>(&compiled)) return *wrong;
    filter.pattern = value, filter.path = std::get<policy::Glob>(std::move(compiled));
  } else {
    return "no such condition: user, login-user, path, since, until, action, outcome, process, artifact or sha256";
  }
  return {};
}

std::variant<LogFilter, std::string> parse_question(std::string_view name, Nanos now) {
  LogFilter filter;
  if (name == kAll) return filter;
  for (std::string_view rest = name; !rest.empty();) {
    const auto one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    const auto equals = one.find('=');
    const std::string key(one.substr(0, equals));
    const auto value = equals == one.npos ? std::nullopt : decoded(one.substr(equals + 1));
    const auto wrong = value ? add_condition(filter, key, *value, now) : kGrammar;
    if (!wrong.empty()) return harmless(one) + ": " + wrong;
  }
  return filter;
}

std::optional<std::string> question_name(const std::vector<std::pair<std::string, std::string>>& conditions) {
  std::string name;
  for (const auto& [key, value] : conditions) name += (name.empty() ? "" : ",") + key + '=' + encoded(value);
  if (name.empty()) name = kAll;
  return name.size() > kLongestName ? std::nullopt : std::optional(name);
}

std::optional<std::string> parse_when(const std::string& text, Nanos now, bool end) {
  Nanos count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  const auto step = unit(std::string_view(text).substr(static_cast<std::size_t>(parsed.ptr - text.data())));
  if (parsed.ec == std::errc() && step)
    return count < 0 || count > now / *step ? std::nullopt : std::optional(stamp(now - count * *step));
  std::string_view rest;
  if (text.size() == 10) rest = end ? "T23:59:59.999999Z" : "T00:00:00.000000Z";
  if (text.size() == 20 && text.ends_with('Z')) rest = end ? ".999999Z" : ".000000Z";
  const auto whole = text.substr(0, rest.size() == 8 ? 19 : text.size()).append(rest);
  return parse_time(whole) ? std::optional(whole) : std::nullopt;
}

}  // namespace ward::store

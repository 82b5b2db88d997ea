// SPDX-License-Identifier: Apache-2.0
// Lengths of time, instants and hours of the day, as they are written in a policy.
#include <charconv>
#include <chrono>

#include "policy/reader.h"

namespace ward::policy {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// Takes exactly `digits` digits off the front of `text`; -1 when they aren't there.
int take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return -1;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// Nanoseconds after the dot, to nine digits; further digits are dropped.
std::optional<std::int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  std::int64_t nanos = 0;
  std::int64_t unit = kSecond / 10;
  const std::size_t before = text.size();
  for (int digit = take_number(text, 1); digit >= 0; digit = take_number(text, 1)) {
    nanos += digit * unit;
    unit /= 10;
  }
  if (text.size() == before) return std::nullopt;
  return nanos;
}

/// Seconds east of UTC: `Z` or `+hh:mm`.
std::optional<std::int64_t> take_offset(std::string_view& text) {
  if (take(text, 'Z')) return 0;
  const bool west = take(text, '-');
  if (!west && !take(text, '+')) return std::nullopt;
  const int hours = take_number(text, 2);
  if (hours < 0 || hours > 23 || !take(text, ':')) return std::nullopt;
  const int minutes = take_number(text, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

/// Reads RFC 3339 to nanoseconds since 1970; years 1970 to 2261.
std::optional<std::int64_t> instant(std::string_view text) {
  const int year = take_number(text, 4);
  if (year < 1970 || year > 2261 || !take(text, '-')) return std::nullopt;
  const int month = take_number(text, 2);
  if (month < 0 || !take(text, '-')) return std::nullopt;
  const int day = take_number(text, 2);
  if (day < 0 || (!take(text, 'T') && !take(text, ' '))) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const int hour = take_number(text, 2);
  if (!date.ok() || hour < 0 || hour > 23 || !take(text, ':')) return std::nullopt;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ':')) return std::nullopt;
  const int second = take_number(text, 2);
  if (second < 0 || second > 59) return std::nullopt;
  const auto nanos = take_fraction(text);
  const auto offset = take_offset(text);
  if (!nanos || !offset || !text.empty()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (days * 86400 + hour * 3600 + minute * 60 + second - *offset) * kSecond + *nanos;
}

/// Minutes since midnight of "hh:mm", up to 24:00; -1 for anything else.
int take_clock(std::string_view& text) {
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 24 || !take(text, ':')) return -1;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || (hour == 24 && minute > 0)) return -1;
  return hour * 60 + minute;
}

std::int64_t unit_seconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 7 * 86400;
    case 'y':
      return 365 * 86400;
    default:
      return 0;
  }
}

}  // namespace

std::int64_t read_duration(const Node& node, Problems& problems) {
  if (node.text == "forever") return kForever;
  std::int64_t count = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, failure] = std::from_chars(node.text.data(), end, count);
  const std::int64_t unit = rest + 1 == end ? unit_seconds(*rest) : 0;
  if (failure == std::errc::invalid_argument || unit == 0 || (failure == std::errc() && count <= 0)) {
    problems.add(node,
                 "not a length of time: write a whole number and s, m, h, d, w or y, as \"365d\", or \"forever\"");
    return 0;
  }
  std::int64_t length = 0;
  if (failure != std::errc() || __builtin_mul_overflow(count, unit * kSecond, &length)) {
    problems.add(node, "longer than 292 years: write \"forever\"");
    return kForever;
  }
  return length;
}

std::int64_t read_instant(const Node& node, Problems& problems) {
  const auto found = instant(node.text);
  if (!found) {
    problems.add(node, "not an instant from 1970 to 2261: write one with its offset, as \"2027-01-01T00:00:00Z\"");
  }
  return found.value_or(0);
}

Hours read_hours(const Node& node, Problems& problems) {
  std::string_view text = node.text;
  const int from = take_clock(text);
  const bool dash = take(text, '-');
  const int to = take_clock(text);
  if (from < 0 || to < 0 || !dash || !text.empty() || from == to) {
    problems.add(node, "not hours of the day: write them in UTC, as \"08:00-18:00\"");
    return {};
  }
  return {from, to};
}

}  // namespace ward::policy

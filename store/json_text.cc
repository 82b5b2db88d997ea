// SPDX-License-Identifier: Apache-2.0
// Escaping, numbers and times of our canonical JSON. See json_text.h.
#include "store/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace ward::store {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Bytes that stand for themselves: printable ASCII but the two that JSON escapes.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

struct Decoded {
  char32_t code;
  std::size_t size;  // bytes used; 0 = not UTF-8
};

// Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
Decoded decode(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || s.size() < size) return {0, 0};
  char32_t code = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return {0, 0};
  return {code, size};
}

bool dangerous(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||      // C0, DEL, C1: terminal escapes
         c == 0x61c || c == 0x200e || c == 0x200f ||  // bidi marks
         (c >= 0x2028 && c <= 0x202e) ||              // line separators, bidi embeddings and overrides
         (c >= 0x2066 && c <= 0x2069);                // bidi isolates
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  for (;;) {
    std::size_t plain = 0;
    while (plain < bytes.size() && static_cast<unsigned char>(bytes[plain]) < 0x80) ++plain;
    bytes.remove_prefix(plain);
    if (bytes.empty()) return true;
    const auto size = decode(bytes).size;
    if (size == 0) return false;
    bytes.remove_prefix(size);
  }
}

std::size_t append_escaped(std::string& out, std::string_view raw, std::size_t limit) {
  const std::size_t start = out.size();
  std::size_t at = 0;
  const auto room = [&](std::size_t more) { return more <= limit - (out.size() - start); };
  while (at < raw.size()) {
    std::size_t plain = at;
    while (plain < raw.size() && kPlain[static_cast<unsigned char>(raw[plain])]) ++plain;
    const std::size_t run = std::min(plain - at, limit - (out.size() - start));
    out.append(raw, at, run);
    at += run;
    if (at < plain || at == raw.size()) return at;
    const Decoded d = decode(raw.substr(at));
    if (d.size == 0) {
      if (!room(3)) return at;
      out += "\xef\xbf\xbd";
      ++at;
    } else if (d.code == '"' || d.code == '\\') {
      if (!room(2)) return at;
      (out += '\\') += static_cast<char>(d.code);
      ++at;
    } else if (dangerous(d.code)) {
      if (!room(6)) return at;
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[d.code >> shift & 15];
      at += d.size;
    } else {
      if (!room(d.size)) return at;
      out.append(raw, at, d.size);
      at += d.size;
    }
  }
  return at;
}

void append_quoted(std::string& out, std::string_view raw) {
  out += '"';
  append_escaped(out, raw);
  out += '"';
}

std::string harmless(std::string_view raw, std::string_view plain) {
  std::string out;
  while (!raw.empty()) {
    const auto end = std::min(raw.find_first_of(plain), raw.size());
    append_escaped(out, raw.substr(0, end));
    if (end < raw.size()) out += raw[end];
    raw.remove_prefix(std::min(end + 1, raw.size()));
  }
  return out;
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const bool quoted = value >= kExactInDouble;
  if (quoted) out += '"';
  out.append(digits, end);
  if (quoted) out += '"';
}

void append_signed(std::string& out, std::int32_t value) {
  char digits[11];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_time(std::string& out, Nanos time, int decimals) {
  using namespace std::chrono;
  // By seconds: midnight before the earliest Nanos isn't a Nanos itself.
  const auto second = floor<seconds>(nanoseconds(time));
  const auto day = floor<days>(second);
  const year_month_day date{sys_days(day)};
  const auto in_day = static_cast<std::uint64_t>((second - day).count());
  const std::int64_t fraction = time % 1'000'000'000;
  char text[] = "0000-00-00T00:00:00.000000000Z";
  const auto put = [&](int last, int width, std::uint64_t value) {
    for (int i = last; width-- > 0; --i, value /= 10) text[i] = static_cast<char>('0' + value % 10);
  };
  put(3, 4, static_cast<std::uint64_t>(static_cast<int>(date.year())));
  put(6, 2, static_cast<unsigned>(date.month()));
  put(9, 2, static_cast<unsigned>(date.day()));
  put(12, 2, in_day / 3600);
  put(15, 2, in_day / 60 % 60);
  put(18, 2, in_day % 60);
  put(28, 9, static_cast<std::uint64_t>(fraction < 0 ? fraction + 1'000'000'000 : fraction));
  out.append(text, 20 + static_cast<std::size_t>(decimals));
  out += 'Z';
}

std::optional<Nanos> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 27 && text.size() != 30) return std::nullopt;
  const std::string_view form = "dddd-dd-ddTdd:dd:dd.ddddddddd";
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return std::nullopt;
  }
  if (text.back() != 'Z') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t width) {
    int value = 0;
    for (std::size_t i = at; i < at + width; ++i) value = value * 10 + (text[i] - '0');
    return value;
  };
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::int64_t whole = sys_days(date).time_since_epoch().count() * 86400LL + hour * 3600 + minute * 60 + second;
  const std::int64_t fraction = text.size() == 27 ? number(20, 6) * 1000LL : number(20, 9);
  // The earliest representable second can't be multiplied out before its fraction is added.
  std::int64_t nanos = 0;
  const std::int64_t base = whole < 0 ? whole + 1 : whole, rest = whole < 0 ? fraction - 1'000'000'000 : fraction;
  if (__builtin_mul_overflow(base, std::int64_t{1'000'000'000}, &nanos) ||
      __builtin_add_overflow(nanos, rest, &nanos)) {
    return std::nullopt;
  }
  return nanos;
}

}  // namespace ward::store

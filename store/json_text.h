// SPDX-License-Identifier: Apache-2.0
// The scalars of our canonical JSON: escaped strings, numbers, times. Appends to a string; pure and thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "store/types.h"

namespace ward::store {

inline constexpr std::uint64_t kExactInDouble = std::uint64_t{1} << 53;  // jq silently changes larger integers

bool is_utf8(std::string_view bytes);

/// Appends `raw` without quotes. Control characters, bidi controls and line separators become \uXXXX, so that nobody
/// can forge a line or reorder what a terminal shows; bytes that aren't UTF-8 become U+FFFD.
/// Stops before the text would grow by more than `limit` bytes; returns how many bytes of `raw` it used.
std::size_t append_escaped(std::string& out, std::string_view raw, std::size_t limit = std::string::npos);
void append_quoted(std::string& out, std::string_view raw);
/// The same for people: the bytes in `plain` stay as they are. With "\"\\" for JSON that is written already.
std::string harmless(std::string_view raw, std::string_view plain = "\"");

/// Appends an integer; from 2^53 on it is quoted.
void append_number(std::string& out, std::uint64_t value);
void append_signed(std::string& out, std::int32_t value);

/// `2026-11-23T10:04:05.123456Z`: UTC, with 6 or 9 decimals (6 rounds down).
void append_time(std::string& out, Nanos time, int decimals);
/// The time of such a text, nullopt for anything else.
std::optional<Nanos> parse_time(std::string_view text);

}  // namespace ward::store

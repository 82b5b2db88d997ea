// SPDX-License-Identifier: Apache-2.0
// How reports write values: times, raw names, tables, JSON. Private to report_*.cc. Pure and thread-safe.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "store/types.h"

namespace ward::store {

using Json = nlohmann::ordered_json;  // keeps the order of insertion, so that equal facts are equal bytes

inline constexpr Nanos kForever = INT64_MAX;

/// `2026-11-23T10:04:05Z`; "forever" for kForever.
std::string utc(Nanos time);
/// The same, but `none` for 0, which in retention means "no such time".
std::string utc_or_none(Nanos time);
/// A raw name as one line of harmless text: control characters and bytes that aren't UTF-8 are escaped.
std::string shown(std::string_view raw);
/// Two-space indent and a final newline; bytes that aren't UTF-8 become U+FFFD, control characters are escaped.
std::string dump(const Json& json);
/// Sets `key` to raw bytes, and `key_b64` when they aren't UTF-8.
void set_raw(Json& json, const std::string& key, const std::string& raw);

/// Rows of a table with columns two spaces apart, the last one unpadded; one line per row.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace ward::store

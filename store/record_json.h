// SPDX-License-Identifier: Apache-2.0
// A record as one line of canonical JSON (FORMAT.md, "Records") and back. Pure and thread-safe.
#pragma once
#include <string>
#include <string_view>

#include "store/record.h"

namespace ward::store {

inline constexpr std::size_t kMaxLine = 65'535;  // an entry of a tlog-tiles bundle has a 16-bit length

/// event.action of a payload.
std::string action_of(const Payload& payload);
/// The line, without '\n', at most 65,535 bytes (Error{corrupt} above: a bug of the caller). `host` is host.name.
std::string to_line(const Record& record, std::string_view host);
/// The record of a line. Throws Error{corrupt} naming what was expected, Error{format} for an unknown action.
/// parse_line(to_line(r, h)) == r, and to_line(parse_line(l), h) == l for every line that we wrote.
Record parse_line(std::string_view line);

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The words that the index of the log finds records by: who, with what, where, which artifact. Pure and thread-safe.
// FORMAT.md, "Index".
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "store/log_filter.h"

namespace ward::store {

/// An artifact's number; or from kHashed on FNV-1a (64 bits, the top one set) of "user=ann", as the value stands in
/// the line, escaped. Of one question and a line that answers it each term of the question is one of the line.
using Term = std::uint64_t;
inline constexpr Term kHashed = Term{1} << 63;

/// That hash of a text, for a term "user=ann".
Term term_of(std::string_view text);
/// Calls fn for each term of a record's line; some more than once.
void terms_of(std::string_view line, const std::function<void(Term)>& fn);
/// Those that every record has which the filter matches; of some filters none are known.
std::vector<Term> terms_of(const LogFilter& filter);

/// The UTC day of a record's line, "2026-11-23"; "" for what isn't one.
std::string_view day_of(std::string_view line);
/// Whether `"artifact":N` stands in the line.
bool names_artifact(std::string_view line, Id artifact);

}  // namespace ward::store

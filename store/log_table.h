// SPDX-License-Identifier: Apache-2.0
// A record as one row of a table with tabs, for awk, cut and spreadsheets. Columns are only ever added at the end.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace ward::store {

/// The columns' names: time sequence user login action outcome path version bytes sha256 process rule reason.
const std::vector<std::string>& table_columns();
/// Their values for one record, raw: what the record doesn't say is "". A line that isn't JSON gives one column,
/// itself.
std::vector<std::string> table_values(std::string_view line);

/// The names and the values with tabs between them and '\n' at the end. Control characters and backslashes in a value
/// are escaped as in JSON, so that nobody can forge a column or a row.
std::string table_head();
std::string table_row(std::string_view line);

}  // namespace ward::store

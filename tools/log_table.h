// SPDX-License-Identifier: Apache-2.0
// An audit record as one line for people.
#pragma once
#include <string>

namespace ward::tools {

/// `time  sequence  user  action  outcome  path  detail`, padded so that lines align; what isn't a record comes back as
/// it is, made harmless. Pure.
std::string log_line(const std::string& json);

/// The line of column names above them.
std::string log_header();

}  // namespace ward::tools

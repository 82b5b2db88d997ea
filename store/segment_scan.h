// SPDX-License-Identifier: Apache-2.0
// Hashes the lines of whole segments, several at a time, and checks that they are the records they should be.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "store/crypto.h"
#include "store/segments.h"

namespace ward::store {

struct SegmentScan {
  Segment segment;
  std::vector<Hash> leaves;             // of the good lines before the first bad one
  std::string problem;                  // of the line after these; "" = there is none
  std::uint64_t torn_bytes = 0;         // after the last '\n'
  std::vector<std::string> on_the_log;  // lines that prune it, replace its key or anchor it
};

/// Calls fn for each segment in order, until it returns false. Throws Error{io}.
void scan_segments(const std::vector<Segment>& segments, const std::function<bool(const SegmentScan&)>& fn);

}  // namespace ward::store

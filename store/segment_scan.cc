// SPDX-License-Identifier: Apache-2.0
// See segment_scan.h. Lines are told by their first bytes: what was signed needs no full parse, its hash tells.
#include "store/segment_scan.h"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "store/files.h"
#include "store/merkle.h"
#include "store/record_json.h"

namespace ward::store {
namespace {

constexpr std::uint64_t kWorthThreads = 1 << 20;  // bytes

std::string problem_of(std::string_view line, Sequence expected) {
  if (line.size() > kMaxLine) return "is longer than a record can be";
  const auto sequence = sequence_of(line);
  if (!sequence || line.back() != '}') return "isn't a record";
  if (*sequence == expected) return "";
  return "says that it is record " + std::to_string(*sequence) + " instead of " + std::to_string(expected);
}

SegmentScan scan(const Segment& segment) {
  SegmentScan result{segment, {}, {}, 0};
  const std::string bytes = read_file(segment.file);
  std::string_view rest = bytes;
  for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    const auto line = rest.substr(0, end);
    result.problem = problem_of(line, segment.first + result.leaves.size());
    if (!result.problem.empty()) return result;
    result.leaves.push_back(leaf_hash(line));
    rest.remove_prefix(end + 1);
  }
  result.torn_bytes = rest.size();
  return result;
}

}  // namespace

void scan_segments(const std::vector<Segment>& segments, const std::function<bool(const SegmentScan&)>& fn) {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments) bytes += segment.bytes;
  const auto how = bytes < kWorthThreads ? std::launch::deferred : std::launch::async;
  const std::size_t at_once = std::max(1U, std::thread::hardware_concurrency());
  std::deque<std::future<SegmentScan>> running;  // left early, it waits for those still at work
  for (std::size_t next = 0; next < segments.size() || !running.empty();) {
    while (next < segments.size() && running.size() < at_once) {
      running.push_back(std::async(how, scan, segments[next++]));
    }
    const SegmentScan scanned = running.front().get();
    running.pop_front();
    if (!fn(scanned)) return;
  }
}

}  // namespace ward::store

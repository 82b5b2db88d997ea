// SPDX-License-Identifier: Apache-2.0
// See segment_scan.h. Lines are told by their first bytes: what was signed needs no full parse, its hash tells.
#include "store/segment_scan.h"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "store/error.h"
#include "store/merkle.h"
#include "store/record_json.h"
#include "store/segment_text.h"

namespace ward::store {
namespace {

constexpr std::uint64_t kWorthThreads = 1 << 20;  // bytes
constexpr std::size_t kStep = 256 << 10;          // bytes per read: they stay in the processor's cache

std::string problem_of(std::string_view line, Sequence expected) {
  if (line.size() > kMaxLine) return "is longer than a record can be";
  const auto sequence = sequence_of(line);
  if (!sequence || line.back() != '}') return "isn't a record";
  if (*sequence == expected) return "";
  return "says that it is record " + std::to_string(*sequence) + " instead of " + std::to_string(expected);
}

/// Appends up to kStep bytes to `block`; false at the end of the text.
bool read_more(SegmentText& text, std::string& block, std::uint64_t& at) {
  const auto kept = block.size();
  block.resize(kept + kStep);
  const auto got = text.read(block.data() + kept, kStep, at);
  block.resize(kept + got);
  at += got;
  return got > 0;
}

/// Hashes the lines up to the first that isn't what it should be.
void scan_text(SegmentText& text, SegmentScan& result) {
  std::string block;                                          // what was read and isn't hashed yet
  std::uint64_t at = 0;                                       // of what is read next
  for (std::size_t known = 0; read_more(text, block, at);) {  // no '\n' in the first `known` bytes
    std::string_view rest = block;
    for (auto end = rest.find('\n', known); end != rest.npos; end = rest.find('\n')) {
      const auto line = rest.substr(0, end);
      result.problem = problem_of(line, result.segment.first + result.leaves.size());
      if (!result.problem.empty()) return;
      result.leaves.push_back(leaf_hash(line));
      if (const auto action = action_of(line); action == "prune" || action == "key-rotation" || action == "anchor")
        result.on_the_log.emplace_back(line);
      rest.remove_prefix(end + 1);
    }
    block.erase(0, block.size() - rest.size());
    known = block.size();
  }
  result.torn_bytes = block.size();
}

SegmentScan scan(const Segment& segment) {
  SegmentScan result{segment, {}, {}, 0, {}};
  try {
    SegmentText text(segment.file);
    scan_text(text, result);
  } catch (const Error& error) {
    if (error.code() != Code::corrupt) throw;
    result.problem = std::string("can't be decompressed: ") + error.what();
  }
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

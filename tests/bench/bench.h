// SPDX-License-Identifier: Apache-2.0
// What the loops of scripts/bench share.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ward::bench {

inline constexpr std::uint64_t kFirstArtifact = 1'000'000, kArtifacts = 1'000;

using Arguments = std::vector<std::string>;
std::uint64_t number(const std::string& word);

class Clock {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// append STORE COUNT: that many records of a year through the ledger, one at a time, as live traffic appends them, of
/// the artifacts in /models by turns, or of 1,000 that nobody made, whose numbers begin at kFirstArtifact. The store is
/// not in use; meanwhile they are made durable and signed twice a second, and at the end, which counts.
double append(const Arguments& words);

/// index STORE: the index of the log's closed segments.
double index_log(const Arguments& words);
/// compress STORE: its closed segments, which have an index.
double compress_log(const Arguments& words);
/// ask STORE ARTIFACT COUNT: its records, of which there must be COUNT at least.
double ask_log(const Arguments& words);

}  // namespace ward::bench

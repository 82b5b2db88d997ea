// SPDX-License-Identifier: Apache-2.0
// What the loops of scripts/bench share.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ward::bench {

using Arguments = std::vector<std::string>;
std::uint64_t number(const std::string& word);

class Clock {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// append STORE COUNT: that many records of opens through the ledger, one at a time, as live traffic appends them. The
/// store is of `ward init` and not in use; afterwards a checkpoint covers them.
double append(const Arguments& words);

}  // namespace ward::bench

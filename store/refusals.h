// SPDX-License-Identifier: Apache-2.0
// Keeps a flood of refusals from filling the log: up to a hundred a second for one user, action and path, and a
// thousand for one user, have a record each; those beyond are counted, and the count is a record when their second is
// over. Not thread-safe. No I/O.
#pragma once
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "store/record.h"

namespace ward::store {

class Refusals {
 public:
  static constexpr std::uint64_t kEqual = 100, kOfUser = 1000;

  /// Whether the refusal (payload Refusal) gets a record of its own; else it was counted.
  bool admit(const Record& refusal, Nanos now);
  /// Records of those counted whose second is over, `all`: of all. Each is the last one of its kind, with their number
  /// as `count`; where one user's were too many and various, action `refusals`, without path and rule.
  std::vector<Record> take(Nanos now, bool all);
  /// Those of them that couldn't be written: take() gives them again.
  void put_back(std::span<const Record> counted);

 private:
  struct Second {
    Nanos began = 0;
    std::uint64_t seen = 0, counted = 0;
    Record last;
  };
  /// False when the second is full and the refusal counted.
  static bool count(Second& second, const Record& refusal, Nanos now, std::uint64_t most);

  using Kind = std::tuple<std::uint32_t, std::string, std::string, std::string>;  // user, action, path, rule
  std::map<Kind, Second> equal_;
  std::map<std::uint32_t, Second> of_user_;
};

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// Times between the kernel's form and ours.
#pragma once
#include <ctime>

#include "store/types.h"

namespace ward::store {

inline constexpr Nanos kSecond = 1'000'000'000;

/// Beyond what 64 bits of nanoseconds hold (1677 to 2262) it is the nearest that they do.
constexpr Nanos nanos_of(const timespec& time) {
  constexpr Nanos kLast = 9'223'372'036;
  if (time.tv_sec >= kLast) return kLast * kSecond;
  if (time.tv_sec <= -kLast) return -kLast * kSecond;
  return time.tv_sec * kSecond + time.tv_nsec;
}

constexpr timespec timespec_of(Nanos nanos) {
  auto seconds = nanos / kSecond, rest = nanos % kSecond;
  if (rest < 0) rest += kSecond, --seconds;
  return {seconds, rest};
}

}  // namespace ward::store

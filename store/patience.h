// SPDX-License-Identifier: Apache-2.0
// Looking at other processes with a deadline. A process in the middle of an execve, or whose arguments lie in a mapped
// file, shows itself only when the file systems that it waits for have answered: one that its user runs, and never
// answers, or this daemon. So no thread that serves requests, and none that holds a lock, reads such files of /proc.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>

namespace ward::store {

/// Only what hangs takes so long.
inline constexpr std::chrono::milliseconds kPatience{2000};

/// Runs `work` on a thread of its own and waits for its end. False when it takes longer than `deadline`: it goes on
/// then, for as long as it likes, so `work` owns all that it touches. False before that while others of the same user's
/// hang (`uid`: for whom it is done), so that nobody keeps many threads waiting. Thread-safe; microseconds when nothing
/// hangs.
bool in_time(std::uint32_t uid, std::chrono::milliseconds deadline, std::function<void()> work);

}  // namespace ward::store

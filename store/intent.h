// SPDX-License-Identifier: Apache-2.0
// What a thread that waits for our answer is about to do. The kernel opens FIFOs, sockets and devices itself and, since
// mode bits are ours to judge, asks nobody: their look-up is the last that is seen. And it keeps to itself whether an
// open may create, and whether a link is read or followed.
#pragma once
#include <cstdint>
#include <string_view>

namespace ward::store {

struct Intent {
  unsigned access = 0;   // of Access: what the mode bits must allow
  bool by_path = false;  // O_PATH: opens nothing by itself, but through /proc later on
  bool creates = false;  // O_CREAT, on a name that stands
  bool reads = false;    // readlink(2): doesn't follow the link
};

/// From what /proc/TID/syscall says: the number of the system call and its arguments. Anything but a call that is known
/// to open nothing wants everything: another ABI numbers them differently, and memory that arguments point to may
/// change.
Intent parse_intent(std::string_view syscall);

/// Of thread `tid` of that user while it waits for our answer. Call it with no lock held.
Intent intent_of(std::uint32_t uid, std::int32_t tid);

}  // namespace ward::store

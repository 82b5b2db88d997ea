// SPDX-License-Identifier: Apache-2.0
// Running another program with bounds: of time, of what it prints, and of what it is given. Thread-safe.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace ward::store {

struct ChildRequest {
  std::vector<std::string> command;      // argv; the first is the path of the program
  std::vector<std::string> environment;  // "NAME=value": all of it
  std::string input;                     // its stdin
  std::chrono::milliseconds timeout{};
  std::size_t most = 64 * 1024;  // bytes of stdout
  int stop = -1;                 // a descriptor; when it is readable the program is killed as after its time
};

enum class ChildEnd {
  exited,       // `code` is its exit status
  signalled,    // `code` is the signal
  timed_out,    // killed
  too_long,     // killed: it printed more than it may
  not_started,  // `error` says why
};

struct ChildResult {
  ChildEnd end = ChildEnd::not_started;
  unsigned code = 0;
  std::string output;  // stdout, at most ChildRequest::most
  std::string error;   // stderr, at most 4 KiB: the beginning
};

/// Runs the program in "/" and in a process group of its own, without any descriptor but the three. Its group has been
/// killed when this returns: nothing it started stays, unless it left the group. Throws Error when the system has no
/// means to start anything.
ChildResult run_child(const ChildRequest& request);

}  // namespace ward::store

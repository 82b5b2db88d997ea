// SPDX-License-Identifier: Apache-2.0
// Private to monitor_rename*.cc: a rename that was checked.
#pragma once
#include "store/monitor.h"

namespace ward::store {

struct Monitor::Move {
  Place from, to;
  std::string from_path, to_path;
  Inode from_folder, to_folder, source;
  std::optional<Inode> target;  // what stands at `to`
  unsigned flags = 0;
  bool nothing = false;  // two names of one inode: rename(2) does nothing
  bool saves = false;    // the move makes a version: of the target, or of a scratch source that gets a governed name
  Restaged restaged;
  Verdict verdict;
};

}  // namespace ward::store

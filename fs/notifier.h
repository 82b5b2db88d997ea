// SPDX-License-Identifier: Apache-2.0
// Tells the kernel what it must look up again. Notifications go out from their own thread, which holds no lock, because
// the kernel may hold a folder's lock that only our answer releases; nobody waits for it without a deadline.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "fs/fuse_api.h"
#include "fs/nodes.h"

namespace ward::fs {

/// Thread-safe.
class Notifier {
 public:
  explicit Notifier(Nodes& nodes) : nodes_(nodes) {}
  ~Notifier() { stop(); }
  void start(fuse_session* session);
  void stop();
  /// The file's attributes, and what these names lead to, may have changed. Only queues.
  void changed(store::Id number, std::vector<store::Place> names);
  /// Waits until all that was queued about the file before has been delivered, at most `deadline`.
  void settle(store::Id number, std::chrono::milliseconds deadline);

 private:
  struct Notice {
    std::uint64_t place;  // in the order of all
    store::Id number;
    std::vector<store::Place> names;
  };
  void run();
  void deliver(const Notice& notice);

  Nodes& nodes_;
  fuse_session* session_ = nullptr;
  std::mutex mutex_;  // guards all below
  std::condition_variable wake_, delivered_;
  std::deque<Notice> queue_;
  std::map<store::Id, std::set<std::uint64_t>> pending_;  // of the notices that aren't delivered yet
  std::uint64_t last_ = 0;                                // place of the newest
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ward::fs

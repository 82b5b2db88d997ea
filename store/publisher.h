// SPDX-License-Identifier: Apache-2.0
// Lets git history follow the audit log: a thread that turns durable records into commits, many at a time.
// Thread-safe. Its lock is a leaf: it is never held while a callback runs.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/git_batch.h"
#include "store/git_history.h"
#include "store/record.h"

namespace ward::store {

class Publisher {
 public:
  using Clock = std::chrono::steady_clock;
  struct Callbacks {
    /// Number of records that were fdatasynced; only those below it are published. May sync to raise it.
    std::function<Sequence()> durable;
    /// Records that a commit is in history. May take the monitor's lock. If it throws, the commit is taken back.
    std::function<void(const Publish&)> record;
  };
  struct Lag {
    std::uint64_t records = 0;   // that change history and aren't in it yet
    Nanos since = 0;             // time of the oldest of them; 0 when there is none
    std::string error;           // why the last attempt failed; "" when it didn't. It is tried again.
    std::uint64_t left_out = 0;  // changes that git can't show, since the start
    std::string last_left_out;   // the newest of them, with the cause
  };

  /// `host` stands in the authors' addresses. `interval`: how long changes are gathered before they are published;
  /// it grows to half a second while publishing takes long.
  Publisher(GitHistory history, const std::string& host, Callbacks callbacks,
            std::chrono::milliseconds interval = std::chrono::milliseconds(200));
  ~Publisher();  // stop()
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Every record, in order, under the monitor's lock, after it was appended and applied. Cheap; keeps what it needs.
  /// After a restart: every record from the first that isn't in history.
  void observe(const Record& record);
  /// Publishes everything observed so far that is durable. False when something is left at the deadline, or because
  /// it isn't durable or can't be written (see lag()).
  bool drain(Clock::time_point deadline);
  Lag lag() const;
  /// Ends the thread after the batch that is under way; what is left is published after the next start. Idempotent.
  void stop();

 private:
  void run();
  bool attempt(std::unique_lock<std::mutex>& lock);
  std::string publish_durable();  // "" or why it failed
  std::vector<const PublishItem*> choose(Sequence durable) const;
  void publish(const std::vector<const PublishItem*>& items);

  GitHistory history_;  // the thread's
  const Callbacks callbacks_;
  const std::chrono::milliseconds interval_;
  PublishItems items_;  // guarded by the order of observe() calls

  mutable std::mutex mutex_;  // guards all below; elements of the queue are read by the thread without it
  std::condition_variable wake_, settled_;
  std::deque<PublishItem> queue_;
  std::uint64_t observed_ = 0, published_ = 0;  // items, since the start
  std::uint64_t stalls_ = 0;                    // attempts for drain() that got nowhere
  Clock::time_point due_{};
  std::chrono::milliseconds pause_;
  unsigned failures_ = 0;  // in a row
  bool flushing_ = false, stopping_ = false;
  Lag lag_;  // without records and since
  std::thread thread_;
};

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
#include "fs/notifier.h"

namespace ward::fs {

namespace {
// Delivering waits in the kernel while a request holds the folder, and that may take long (a rename that hashes a large
// file): others don't wait for it.
constexpr std::size_t kMostThreads = 32;
}  // namespace

void Notifier::start(fuse_session* session) {
  const std::scoped_lock lock(mutex_);
  session_ = session;
}

void Notifier::stop() {
  std::vector<std::thread> threads;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  delivered_.notify_all();
  for (auto& thread : threads) thread.join();
}

void Notifier::changed(store::Id number, std::vector<store::Place> names) {
  if (nodes_.cached(number).empty()) return;  // the kernel keeps nothing of it: drafts and live files have no timeout
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || session_ == nullptr) return;
    queue_.push_back({++last_, number, std::move(names)});
    pending_[number].insert(last_);
    if (queue_.size() > idle_ && threads_.size() < kMostThreads) threads_.emplace_back([this] { run(); });
  }
  wake_.notify_one();
}

void Notifier::settle(store::Id number, std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  const auto target = last_;
  delivered_.wait_for(lock, deadline, [&] {
    const auto found = pending_.find(number);
    return found == pending_.end() || *found->second.begin() > target || stopping_;
  });
}

void Notifier::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    const Notice notice = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    deliver(notice);
    lock.lock();
    const auto mine = pending_.find(notice.number);
    mine->second.erase(notice.place);
    if (mine->second.empty()) pending_.erase(mine);
    delivered_.notify_all();
  }
}

void Notifier::deliver(const Notice& notice) {
  for (const auto& place : notice.names) {
    if (!nodes_.get(place.dir)) continue;  // the kernel doesn't know the folder, so nothing in it
    fuse_lowlevel_notify_expire_entry(session_, place.dir, place.name.c_str(), place.name.size()
#if !WARD_MODERN_FUSE
                                                                                   ,
                                      FUSE_LL_EXPIRE_ONLY
#endif
    );
  }
  for (const auto id : nodes_.cached(notice.number)) fuse_lowlevel_notify_inval_inode(session_, id, -1, 0);
}

}  // namespace ward::fs

// SPDX-License-Identifier: Apache-2.0
#include "fs/notifier.h"

namespace ward::fs {

void Notifier::start(fuse_session* session) {
  session_ = session;
  thread_ = std::thread([this] { run(); });
}

void Notifier::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Notifier::changed(store::Id artifact, std::vector<store::Place> names) {
  if (nodes_.cached(artifact).empty()) return;  // the kernel keeps nothing of it: drafts and live files have no timeout
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || session_ == nullptr) return;
    queue_.push_back({artifact, std::move(names)});
    ++queued_;
  }
  wake_.notify_one();
}

void Notifier::settle(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  const auto target = queued_;
  delivered_.wait_for(lock, deadline, [&] { return done_ >= target || stopping_; });
}

void Notifier::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const Notice notice = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    deliver(notice);
    lock.lock();
    ++done_;
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
  for (const auto id : nodes_.cached(notice.artifact)) fuse_lowlevel_notify_inval_inode(session_, id, -1, 0);
}

}  // namespace ward::fs

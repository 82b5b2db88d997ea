// SPDX-License-Identifier: Apache-2.0
// The thread takes items off the queue only after their commits are recorded, so a failure loses none.
#include "store/publisher.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace ward::store {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kMostItems = 20'000;                  // of one batch: bounds its memory
constexpr std::chrono::milliseconds kLongestPause = 500ms;  // so that lag stays below two seconds
constexpr std::chrono::milliseconds kLongestBackoff = 30'000ms;

}  // namespace

Publisher::Publisher(GitHistory history, const std::string& host, Callbacks callbacks,
                     std::chrono::milliseconds interval)
    : history_(std::move(history)),
      callbacks_(std::move(callbacks)),
      interval_(interval),
      items_(host),
      pause_(interval),
      thread_([this] { run(); }) {}

Publisher::~Publisher() {
  stop();
}

void Publisher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  settled_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Publisher::observe(const Record& record) {
  auto item = items_.take(record);
  if (!item) return;
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) {
    if (failures_ == 0) due_ = Clock::now() + pause_;
    wake_.notify_all();
  }
  queue_.push_back(std::move(*item));
  ++observed_;
}

bool Publisher::drain(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  const auto goal = observed_, before = stalls_;
  if (published_ < goal) flushing_ = true;
  wake_.notify_all();
  settled_.wait_until(lock, deadline, [&] { return published_ >= goal || stalls_ != before || stopping_; });
  return published_ >= goal;
}

Publisher::Lag Publisher::lag() const {
  const std::lock_guard lock(mutex_);
  Lag out = lag_;
  out.records = queue_.size();
  out.since = queue_.empty() ? 0 : queue_.front().time;
  return out;
}

void Publisher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      flushing_ = false;
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    } else if (!flushing_ && Clock::now() < due_) {
      wake_.wait_until(lock, due_, [&] { return stopping_ || flushing_; });
    } else {
      const bool for_drain = flushing_;
      const bool progress = attempt(lock);
      if (for_drain && !progress) flushing_ = false, ++stalls_;
      settled_.notify_all();
    }
  }
}

/// One batch; false when nothing came of it. Sets the time of the next. Called and returns with the lock held.
bool Publisher::attempt(std::unique_lock<std::mutex>& lock) {
  const auto before = published_;
  const auto began = Clock::now();
  lock.unlock();
  auto error = publish_durable();
  lock.lock();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  pause_ = std::clamp(2 * took, interval_, std::max(interval_, kLongestPause));
  failures_ = error.empty() ? 0 : failures_ + 1;
  lag_.error = std::move(error);
  due_ = Clock::now() + (failures_ == 0 ? pause_ : std::min(kLongestBackoff, 1000ms * failures_));
  return published_ != before;
}

std::string Publisher::publish_durable() {
  try {
    publish(choose(callbacks_.durable()));
    return "";
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

std::vector<const PublishItem*> Publisher::choose(Sequence durable) const {
  const std::lock_guard lock(mutex_);
  std::vector<const PublishItem*> items;
  for (const auto& item : queue_) {
    if (item.sequence >= durable || items.size() == kMostItems) break;
    items.push_back(&item);  // stays where it is while others are added behind it
  }
  return items;
}

void Publisher::publish(const std::vector<const PublishItem*>& items) {
  auto groups = group(items);
  std::vector<GitHistory::Revision> revisions;
  for (auto& each : groups) revisions.push_back(std::move(each.revision));
  auto recorded = history_.head();
  const auto commits = history_.publish(revisions);
  for (std::size_t at = 0; at < groups.size(); ++at) {
    const auto& commit = commits[at];
    if (commit.commit != recorded) try {
        callbacks_.record({groups[at].first, groups[at].last, commit.tree, commit.commit});
      } catch (...) {
        history_.reset_to(recorded);
        throw;
      }
    recorded = commit.commit;
    const std::lock_guard lock(mutex_);
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(groups[at].items));
    published_ += groups[at].items;
    lag_.left_out += commit.errors.size();
    if (!commit.errors.empty()) lag_.last_left_out = commit.errors.back();
  }
}

}  // namespace ward::store

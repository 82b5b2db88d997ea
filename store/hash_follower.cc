// SPDX-License-Identifier: Apache-2.0
#include "store/hash_follower.h"

#include <unistd.h>

#include <algorithm>

namespace ward::store {
namespace {
constexpr std::uint64_t kBlock = 1 << 20;     // hashed per step
constexpr std::uint64_t kStart = 4 * kBlock;  // smaller files are hashed at the end, by the closer itself
}  // namespace

struct HashPool::Follower::State {
  std::mutex mutex;
  std::condition_variable idle;
  int fd = -1;
  ContentHasher hasher;
  std::uint64_t hashed = 0;   // [0, hashed) went into hasher
  std::uint64_t written = 0;  // [0, written) was written in order
  bool in_order = true;
  bool busy = false;  // a thread is in step()
  bool queued = false;
  bool closed = false;  // fd must not be used any more

  /// Hashes one block if there is one. Runs unlocked while reading; true when more remains.
  bool step(std::unique_lock<std::mutex>& lock) {
    if (closed || busy || !in_order || hashed >= written) return false;
    const std::uint64_t at = hashed;
    const std::uint64_t n = std::min(kBlock, written - at);
    busy = true;
    lock.unlock();
    thread_local std::vector<char> block(kBlock);
    const ssize_t got = ::pread(fd, block.data(), n, static_cast<off_t>(at));
    if (got > 0) hasher.update(block.data(), static_cast<std::size_t>(got));
    lock.lock();
    busy = false;
    idle.notify_all();
    if (got <= 0) in_order = false;
    if (got > 0) hashed = at + static_cast<std::uint64_t>(got);
    return in_order && hashed < written;
  }
};

HashPool::HashPool(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

HashPool::~HashPool() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void HashPool::want(std::shared_ptr<Follower::State> state) {
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(state));
  }
  wake_.notify_one();
}

void HashPool::work() {
  for (;;) {
    std::shared_ptr<Follower::State> state;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      state = std::move(queue_.front());
      queue_.erase(queue_.begin());
    }
    std::unique_lock lock(state->mutex);
    while (state->step(lock)) {
    }
    state->queued = false;
  }
}

HashPool::Follower::Follower(HashPool& pool, int fd) : pool_(pool), state_(std::make_shared<State>()) {
  state_->fd = fd;
}

HashPool::Follower::~Follower() {
  std::unique_lock lock(state_->mutex);
  state_->closed = true;
  state_->idle.wait(lock, [this] { return !state_->busy; });
}

void HashPool::Follower::wrote(std::uint64_t offset, std::uint64_t length) {
  const std::scoped_lock lock(state_->mutex);
  State& s = *state_;
  if (!s.in_order) return;
  if (offset != s.written) {
    if (offset < s.hashed || s.busy) s.in_order = false;
    if (offset > s.written) s.in_order = false;  // a hole, perhaps filled later
    s.written = std::max(s.written, offset + length);
    return;
  }
  s.written = offset + length;
  if (s.written - s.hashed < kStart || s.queued) return;
  s.queued = true;
  pool_.want(state_);
}

void HashPool::Follower::truncated(std::uint64_t size) {
  const std::scoped_lock lock(state_->mutex);
  if (size < state_->hashed || state_->busy || size > state_->written) state_->in_order = false;
  state_->written = std::min(state_->written, size);
}

Content HashPool::Follower::finish(std::uint64_t size, const std::filesystem::path& name) {
  std::unique_lock lock(state_->mutex);
  State& s = *state_;
  if (s.written != size) s.in_order = false;
  while (s.in_order && s.hashed < size) {
    s.idle.wait(lock, [&s] { return !s.busy; });
    s.step(lock);
  }
  s.idle.wait(lock, [&s] { return !s.busy; });
  const bool complete = s.in_order;
  s.in_order = false;  // the digest is spent; a later amendment hashes all
  return complete ? s.hasher.finish() : hash_content(s.fd, size, name);
}

}  // namespace ward::store

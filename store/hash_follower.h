// SPDX-License-Identifier: Apache-2.0
// Hashes a file behind its writer, on another thread, as long as writes come in order; so that the digest is nearly
// ready when the writer closes. A write behind the hashed mark discards what was done: the end then hashes all.
#pragma once
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store/content_hash.h"

namespace ward::store {

/// The threads that follow. One per daemon.
class HashPool {
 public:
  explicit HashPool(unsigned threads);
  ~HashPool();
  HashPool(const HashPool&) = delete;
  HashPool& operator=(const HashPool&) = delete;

  /// One file's hash in progress. Methods are thread-safe; the file descriptor must stay open while it exists.
  class Follower {
   public:
    Follower(HashPool& pool, int fd);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
    void wrote(std::uint64_t offset, std::uint64_t length);
    void truncated(std::uint64_t size);
    /// Of [0, size). No write may be under way. Hashes what the threads haven't done yet.
    Content finish(std::uint64_t size, const std::filesystem::path& name);

   private:
    friend class HashPool;
    struct State;
    HashPool& pool_;
    std::shared_ptr<State> state_;
  };

 private:
  void work();
  void want(std::shared_ptr<Follower::State> state);

  std::mutex mutex_;  // guards queue_ and stop_; never held while hashing
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Follower::State>> queue_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ward::store

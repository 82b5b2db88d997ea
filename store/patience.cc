// SPDX-License-Identifier: Apache-2.0
#include "store/patience.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace ward::store {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kSlow{500};  // even on a busy machine something is wrong with it then
constexpr std::size_t kSlowOnes = 4;             // of one user: who comes after so many doesn't wait
constexpr std::size_t kThreads = 256;            // of all
constexpr std::size_t kIdle = 2;                 // that wait for the next job

struct Job {
  std::uint32_t uid;
  std::function<void()> work;
  Clock::time_point began = Clock::now();
  bool done = false;
};
using JobPtr = std::shared_ptr<Job>;

class Helpers {
 public:
  bool run(std::uint32_t uid, std::chrono::milliseconds deadline, std::function<void()> work) {
    const auto job = std::make_shared<Job>(Job{uid, std::move(work)});
    std::unique_lock lock(mutex_);
    if (hopeless(*job)) return false;
    if (queue_.size() >= idle_) {
      if (threads_ >= kThreads) return false;
      std::thread([this] { serve(); }).detach();  // it may never end: nobody can wait for it
      ++threads_;
    }
    queue_.push_back(job);
    running_[uid].push_back(job);
    wake_.notify_one();
    const auto last = job->began + deadline;
    while (!job->done && Clock::now() < last && !hopeless(*job))
      ended_.wait_until(lock, std::min(last, Clock::now() + kSlow / 4));
    return job->done;
  }

 private:
  /// Enough jobs of the same user hang that began before.
  bool hopeless(const Job& job) const {
    const auto found = running_.find(job.uid);
    if (found == running_.end()) return false;
    std::size_t slow = 0;
    for (const auto& other : found->second) {
      if (other.get() == &job || Clock::now() - other->began < kSlow) break;  // in the order of their beginning
      if (++slow == kSlowOnes) return true;
    }
    return false;
  }

  void serve() {
    std::unique_lock lock(mutex_);
    do {
      ++idle_;
      wake_.wait(lock, [this] { return !queue_.empty(); });
      --idle_;
      const auto job = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      job->work();
      job->work = nullptr;
      lock.lock();
      job->done = true;
      const auto mine = running_.find(job->uid);
      mine->second.remove(job);
      if (mine->second.empty()) running_.erase(mine);
      ended_.notify_all();
    } while (idle_ < kIdle);
    --threads_;
  }

  std::mutex mutex_;
  std::condition_variable wake_, ended_;
  std::deque<JobPtr> queue_;
  std::map<std::uint32_t, std::list<JobPtr>> running_;  // by user, waited for or not
  std::size_t threads_ = 0, idle_ = 0;
};

}  // namespace

bool in_time(std::uint32_t uid, std::chrono::milliseconds deadline, std::function<void()> work) {
  static auto& helpers = *new Helpers;  // its threads may outlive everything
  return helpers.run(uid, deadline, std::move(work));
}

}  // namespace ward::store

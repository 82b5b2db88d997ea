// SPDX-License-Identifier: Apache-2.0
// Names of users and groups from NSS, remembered for a minute: a directory service may take its time.
#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <unordered_map>

#include "store/process.h"

namespace ward::store {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLife = std::chrono::seconds(60);
constexpr std::size_t kMostNames = 10'000;

struct Answer {
  int error = 0;     // errno of a database that failed
  std::string name;  // "" without an error: there is none
};

/// `ask(id, entry, buffer, size, result)` is getpwuid_r or getgrgid_r.
template <class Entry, class Ask, class Name>
Answer look_up(std::uint32_t id, Ask ask, Name name) {
  std::vector<char> buffer(4096);
  while (true) {
    Entry entry{};
    Entry* found = nullptr;
    const int error = ask(id, &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) {  // a group of many members
      buffer.resize(buffer.size() * 4);
      continue;
    }
    if (found != nullptr) return {0, found->*name};
    // Several databases say so when they have no such id; see getpwnam(3).
    const bool nobody = error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
    return {nobody ? 0 : error, {}};
  }
}

/// Thread-safe. Asks without holding the lock.
class Names {
 public:
  using Source = Answer (*)(std::uint32_t id);
  explicit Names(Source source) : source_(source) {}

  std::string of(std::uint32_t id) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = names_.find(id); found != names_.end() && Clock::now() < found->second.until)
        return found->second.name;
    }
    const auto answer = source_(id);
    const std::lock_guard lock(mutex_);
    if (names_.size() >= kMostNames) names_.clear();
    auto& kept = names_[id];
    if (answer.error == 0) kept = {answer.name, Clock::now() + kLife};
    return kept.name;  // after an error the last known one, asked for again next time
  }

 private:
  struct Kept {
    std::string name;
    Clock::time_point until{};
  };
  const Source source_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, Kept> names_;
};

}  // namespace

std::string user_name(std::uint32_t uid) {
  static Names names([](std::uint32_t id) { return look_up<passwd>(id, ::getpwuid_r, &passwd::pw_name); });
  return names.of(uid);
}

std::string group_name(std::uint32_t gid) {
  static Names names([](std::uint32_t id) { return look_up<group>(id, ::getgrgid_r, &group::gr_name); });
  return names.of(gid);
}

}  // namespace ward::store

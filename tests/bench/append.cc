// SPDX-License-Identifier: Apache-2.0
// How fast the audit log takes records: the ledger and nothing around it.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "store/config.h"
#include "store/ledger.h"
#include "store/log_key.h"
#include "store/recovery.h"
#include "tests/bench/bench.h"
#include "tests/bench/record.h"

namespace ward::bench {
namespace {

/// Makes durable and signs what was appended, again and again beside the traffic, as the daemon does each second.
class Signer {
 public:
  explicit Signer(store::AuditLog& log) : log_(log), thread_([this] { run(); }) {}
  ~Signer() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(500), [this] { return ending_; })) {
      log_.sync();
      log_.checkpoint();
    }
  }

  store::AuditLog& log_;
  std::mutex mutex_;  // guards ending_
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

constexpr std::uint64_t kFlushEvery = 100'000;  // records: the daemon does it each second
constexpr std::size_t kMost = 1'000'000;        // artifacts

/// What stands in the store's folder /models.
std::vector<store::Id> models(const store::Catalog& catalog) {
  std::vector<store::Id> ids;
  if (const auto folder = catalog.child(store::kRoot, "models"))
    for (const auto& entry : catalog.list(*folder, 0, kMost)) ids.push_back(entry.id);
  return ids;
}

}  // namespace

double append(const Arguments& words) {
  const std::filesystem::path folder = words[0];
  const auto config = store::load_config(folder);
  store::AuditLog log(folder / "audit", config.origin, store::load_key(folder, config));
  const auto catalog = store::open_catalog(folder, log);
  store::Ledger ledger(log, *catalog, config.origin.substr(0, config.origin.find('/')), [](const store::Record&) {});
  Year year(models(*catalog), number(words[1]));
  const Clock clock;
  {
    const Signer signer(log);
    for (auto left = number(words[1]); left > 0; --left) {
      auto record = year.record(ledger.next());
      ledger.append({&record, 1});
      if (left % kFlushEvery == 1) catalog->flush();
    }
  }
  log.sync();
  log.checkpoint();
  return clock.seconds();
}

}  // namespace ward::bench

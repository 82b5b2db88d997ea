// SPDX-License-Identifier: Apache-2.0
// How fast the audit log takes records: the ledger and nothing around it.
#include "store/config.h"
#include "store/ledger.h"
#include "store/log_key.h"
#include "store/recovery.h"
#include "tests/bench/bench.h"
#include "tests/bench/record.h"

namespace ward::bench {
namespace {

constexpr std::uint64_t kBatch =
    100'000;  // what a checkpoint covers under the heaviest load: one is signed each second

}  // namespace

double append(const Arguments& words) {
  const std::filesystem::path folder = words[0];
  const auto config = store::load_config(folder);
  store::AuditLog log(folder / "audit", config.origin, store::load_key(folder, config));
  const auto catalog = store::open_catalog(folder, log);
  store::Ledger ledger(log, *catalog, config.origin.substr(0, config.origin.find('/')), [](const store::Record&) {});
  const Clock clock;
  for (auto left = number(words[1]); left > 0; --left) {
    auto record = open_record(ledger.next());
    ledger.append({&record, 1});
    if (left % kBatch != 1) continue;
    log.sync();
    catalog->flush();
    log.checkpoint();
  }
  return clock.seconds();
}

}  // namespace ward::bench

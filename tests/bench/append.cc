// SPDX-License-Identifier: Apache-2.0
// How fast the audit log takes records: the ledger and nothing around it.
#include "store/config.h"
#include "store/ledger.h"
#include "store/recovery.h"
#include "tests/bench/bench.h"

namespace ward::bench {
namespace {

/// What an open of a model leaves in the log.
store::Record open_record(store::Sequence sequence) {
  store::Open open;
  open.artifact = kFirstArtifact + sequence % kArtifacts, open.version = 3, open.sha256 = std::string(64, 'a'),
  open.size = 104'857'600;
  open.handle = sequence, open.mode = "r", open.depth = "ranges";
  store::Record record;
  record.user = {1000, "ann", 1000, 1000, "ann"};
  record.process = {4711, "51d2e0b4c3a69788", "/usr/bin/python3.11"};
  record.path = "/models/resnet/model.safetensors";
  record.payload = open;
  record.policy = 1, record.rule = "everyone-works";
  return record;
}

}  // namespace

double append(const Arguments& words) {
  const std::filesystem::path folder = words[0];
  const auto config = store::load_config(folder);
  store::AuditLog log(folder / "audit", config.origin, store::SigningKey::load(folder / config.key));
  const auto catalog = store::open_catalog(folder, log);
  store::Ledger ledger(log, *catalog, config.origin.substr(0, config.origin.find('/')), [](const store::Record&) {});
  const Clock clock;
  for (auto left = number(words[1]); left > 0; --left) {
    auto record = open_record(ledger.next());
    ledger.append({&record, 1});
  }
  const double took = clock.seconds();
  log.sync();
  catalog->flush();
  log.checkpoint();
  return took;
}

}  // namespace ward::bench

// SPDX-License-Identifier: Apache-2.0
#include "store/fsck.h"

#include <algorithm>

#include "store/config.h"
#include "store/crypto.h"
#include "store/fsck_parts.h"
#include "store/key_rotation.h"
#include "store/lock.h"
#include "store/work_folder.h"

namespace ward::store {
bool FsckReport::sound() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::note; });
}

void guarded(FsckReport& report, Severity severity, const std::string& advice, const std::function<void()>& check) {
  try {
    check();
  } catch (const Error& error) {
    if (error.code() == Code::no_space) throw;
    report.findings.push_back({severity, error.what(), advice});
  }
}

FsckReport fsck(const std::filesystem::path& store, const Progress& progress) {
  const Config config = load_config(store);
  const StoreLock lock(store);
  const WorkFolder work(store / "fsck.tmp");
  FsckReport report;
  const std::string restore =
      "restore " + (store / "audit").string() + " from a backup; what follows the bad line can't be trusted";
  guarded(report, Severity::error,
          "put the key back from a backup, or its token into the machine: without it nothing can be recorded, so the "
          "store can't be mounted",
          [&] { static_cast<void>(signing_key(store, config)); });
  guarded(report, Severity::error, restore, [&] { check_log(store, config, report, progress); });
  Expected expected;
  Catalog replayed(work.path() / "replayed.db");
  guarded(report, Severity::error, restore, [&] { expected = replay(store, replayed, progress); });
  report.records = replayed.applied();
  report.versions = replayed.totals().versions;
  check_objects(store, expected, report, progress);
  check_anchors(store, expected, report);
  if (!expected.whole) return report;  // the rest would only say so again
  check_catalog(store, work.path(), replayed, report);
  check_drafts(store, replayed, report);
  check_history(store, expected, report);
  return report;
}

}  // namespace ward::store

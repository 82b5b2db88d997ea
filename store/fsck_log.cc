// SPDX-License-Identifier: Apache-2.0
// The log is the one that was signed with the store's key.
#include "store/audit_verify.h"
#include "store/fsck_parts.h"

namespace ward::store {

void check_log(const std::filesystem::path& store, const Config& config, FsckReport& report, const Progress& progress) {
  if (progress) progress("verifying the log", 0, 0);
  const auto folder = store / "audit";
  // The key from ward.toml shows that the log and the store belong together, not who wrote them: that needs the key
  // kept elsewhere, with `ward audit verify`.
  const auto verified = verify_audit({folder, config.vkey, std::nullopt});
  for (const auto& note : verified.notes)
    report.findings.push_back({Severity::note, folder.string() + ": " + note, "the next mount settles it"});
  for (const auto& problem : verified.problems)
    report.findings.push_back({Severity::error, folder.string() + ": " + problem,
                               "restore the folder from a backup; what follows can't be trusted"});
  if (verified.verdict != Verdict::verified && verified.problems.empty())
    report.findings.push_back({Severity::error, folder.string() + ": not signed with the store's key",
                               "restore the folder and ward.toml from the same backup"});
}

}  // namespace ward::store

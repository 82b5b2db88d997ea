// SPDX-License-Identifier: Apache-2.0
// history, the table of versions, and retention.
#include "store/report_text.h"
#include "store/reports.h"

namespace ward::store {
namespace {

std::string marks(const Version& version) {
  std::string text = version.final ? "final" : "open";
  if (version.concurrent) text += ",concurrent";
  if (version.recovered) text += ",recovered";
  if (version.lost) text += ",lost";
  return text;
}

Retain planned(const Catalog& catalog, const Inode& inode, const policy::Policy& policy, Nanos now) {
  const auto stage = inode.stage.empty() ? policy::initial_stage(policy, catalog.path(inode.id)) : inode.stage;
  const auto due = policy::retention(policy, catalog.path(inode.id), inode.labels, stage, now);
  return {due.rule, due.rule.empty() ? "" : std::string(policy::to_string(due.mode)), due.keep_until, due.purge_after};
}

const char* state_of(const Retain& retain, Nanos now) {
  if (retain.until > now) return "kept";
  return retain.purge_after != 0 && retain.purge_after <= now ? "purge-due" : "free";
}

}  // namespace

std::string history_text(const Catalog& catalog, Id id) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& change : catalog.changes(id))
    rows.push_back({utc(change.time), shown(change.user), change.action,
                    change.version == 0 ? "-" : "v" + std::to_string(change.version), shown(change.detail)});
  return table(rows);
}

std::string versions_table(const Catalog& catalog, Id id) {
  if (!catalog.inode(id)) return "";
  std::vector<std::vector<std::string>> rows = {
      {"version", "time", "user", "size", "stage", "state", "keep-until", "sha256"}};
  for (const auto& version : catalog.versions(id))
    rows.push_back({std::to_string(version.ref.version), utc(version.time), shown(version.user),
                    std::to_string(version.size), version.stage, marks(version), utc_or_none(version.retain.until),
                    version.sha256});
  return table(rows);
}

std::string retention_text(const Catalog& catalog, Id id, const policy::Policy& policy, Nanos now) {
  const auto inode = catalog.inode(id);
  if (!inode) return "";
  const auto version = catalog.version({id, inode->version});
  const Retain retain = version ? version->retain : planned(catalog, *inode, policy, now);
  const auto or_none = [](const std::string& text) { return text.empty() ? "none" : text; };
  return "version " + std::to_string(inode->version) + "\nrule " + or_none(retain.rule) + "\nmode " +
         or_none(retain.mode) + "\nkeep-until " + utc_or_none(retain.until) + "\npurge-after " +
         utc_or_none(retain.purge_after) + "\nstate " + state_of(retain, now) + "\nholds none\n";
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The monitor's core: finding, judging, recording, refusing.
#include "store/monitor.h"

#include <cerrno>

#include "store/error.h"

namespace ward::store {
namespace {

const char* errno_name(int error) {
  switch (error) {
    case EACCES:
      return "EACCES";
    case EPERM:
      return "EPERM";
    case EBUSY:
      return "EBUSY";
    case EINVAL:
      return "EINVAL";
    default:
      return "EIO";
  }
}

constexpr std::size_t kWhyKept = 8;  // refusals remembered for each user

}  // namespace

std::optional<Inode> Monitor::find(const Lock&, Id id) const {
  if (const auto orphan = orphans_.find(id); orphan != orphans_.end()) return orphan->second;
  return catalog_->inode(id);
}

std::string Monitor::path_of(const Lock&, const Place& place) const {
  return catalog_->path(place);
}

std::vector<std::string> Monitor::labels_of(const Lock&, const Inode& inode, std::span<const std::string> paths) const {
  std::set<std::string> all(inode.labels.begin(), inode.labels.end());
  for (const auto& path : paths)
    for (auto& label : policy::labels(*policy_, path)) all.insert(std::move(label));
  return {all.begin(), all.end()};
}

policy::Object Monitor::object_of(const Lock& lock, const Inode& inode) const {
  policy::Object object;
  if (inode.id == kRoot) {
    object.paths.push_back("/");
  } else {
    object.paths.push_back(path_of(lock, inode.home));
    if (inode.kind != Kind::folder && inode.nlink > 1)
      for (const Place& place : catalog_->names(inode.id))
        if (!(place == inode.home)) object.paths.push_back(path_of(lock, place));
  }
  object.stage = inode.stage;
  object.labels = labels_of(lock, inode, object.paths);
  object.owner = inode.uid;
  return object;
}

policy::Object Monitor::object_at(const Lock& lock, const Place& place, const Inode& folder) const {
  policy::Object object;
  object.paths.push_back(path_of(lock, place));
  object.owner = folder.uid;
  object.labels = labels_of(lock, {}, object.paths);
  object.exists = false;
  return object;
}

Monitor::Verdict Monitor::judge(const Lock&, const Requester& who, policy::Right right,
                                const policy::Object& object) const {
  auto decision = policy::decide(*policy_, {who.subject(), right, object, now()});
  Verdict verdict;
  verdict.permitted = decision.permitted;
  verdict.error = decision.permitted ? 0 : EACCES;
  verdict.policy = policy_number_;
  verdict.rule = std::move(decision.rule);
  verdict.reason = std::move(decision.reason);
  verdict.who_could = std::move(decision.who_could);
  return verdict;
}

Record Monitor::record(const Requester& who, std::string path, Payload payload, const Verdict& verdict) const {
  Record record;
  record.user = who.user();
  record.process = who.process();
  record.path = std::move(path);
  record.payload = std::move(payload);
  record.policy = verdict.policy;
  record.rule = verdict.rule;
  return record;
}

void Monitor::append(const Lock& lock, Record record, AuditLog::Space space) {
  append(lock, std::span(&record, 1), space);
}

void Monitor::append(const Lock&, std::span<Record> records, AuditLog::Space space) {
  ledger_->append(records, space);
}

Errno Monitor::refuse(const Lock& lock, const Requester& who, const char* action, Id artifact, const std::string& path,
                      const std::string& mode, const Verdict& verdict) {
  Refusal refusal;
  refusal.action_name = action;
  refusal.artifact = artifact;
  refusal.mode = mode;
  refusal.error = errno_name(verdict.error);
  Record entry = record(who, path, std::move(refusal), verdict);
  entry.reason = verdict.reason;
  append(lock, entry, AuditLog::Space::reserved);
  auto& kept = why_[who.uid()];
  std::string text = std::string(action) + " " + path + ": " + verdict.reason;
  if (!verdict.rule.empty()) text += "\nrule " + verdict.rule + " of policy " + std::to_string(verdict.policy);
  text += "\nwho could: " + (verdict.who_could.empty() ? std::string("nobody under this policy") : verdict.who_could);
  kept.push_back({now(), ledger_->next() - 1, std::move(text)});
  if (kept.size() > kWhyKept) kept.pop_front();
  return {verdict.error};
}

Errno Monitor::refuse_mode(const Lock& lock, const Requester& who, const char* action, const Inode& inode,
                           const std::string& path, int error, const char* reason) {
  Verdict verdict;
  verdict.permitted = false;
  verdict.error = error;
  verdict.reason = std::string("denied: ") + reason;
  verdict.who_could = "the owner (uid " + std::to_string(inode.uid) + ") or root, by chmod or chown";
  return refuse(lock, who, action, inode.id, path, "", verdict);
}

void Monitor::announce(const Lock&, Id artifact) const {
  hooks_.changed(artifact, catalog_->names(artifact));
}

/// Who may search a folder changed: the kernel must ask again about everything in it.
void Monitor::announce_children(const Lock&, Id folder) const {
  constexpr std::size_t kAtOnce = 1000;
  for (std::uint64_t after = 0;;) {
    const auto entries = catalog_->list(folder, after, kAtOnce);
    for (const Entry& entry : entries) hooks_.changed(entry.id, {{folder, entry.name}});
    if (entries.size() < kAtOnce) return;
    after = entries.back().cookie;
  }
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The monitor's core: finding, judging, recording, refusing.
#include "store/monitor.h"

#include <algorithm>
#include <cerrno>

#include "store/error.h"
#include "store/json_text.h"
#include "store/record_json.h"

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
    case EROFS:
      return "EROFS";
    default:
      return "EIO";
  }
}

constexpr std::size_t kWhyKept = 8;         // refusals remembered for each user
constexpr std::size_t kWhyUsers = 1000;     // and for so many users
constexpr std::size_t kReasonMost = 2048;   // bytes of a reason: callers' words stand in it
constexpr std::size_t kWhyPathMost = 4096;  // bytes of a path in @@/why

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;  // between two characters
  return std::string(text.substr(0, most)) + "…";
}

}  // namespace

std::optional<Inode> Monitor::find(const Lock&, Id number) const {
  if (const auto orphan = orphans_.find(number); orphan != orphans_.end()) return orphan->second.inode;
  return catalog_->numbered(number);
}

std::optional<Inode> Monitor::find(const Lock& held, const NodeRef& node) const {
  return node.pinned ? catalog_->inode(node.artifact) : find(held, node.number);
}

Inode Monitor::named(const Lock&, Id id) const {
  auto inode = catalog_->inode(id);
  if (!inode)
    throw Error(Code::corrupt, "catalog: a name leads to inode " + std::to_string(id) + ", which isn't there");
  return *std::move(inode);
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

Monitor::Verdict Monitor::judge_name(const Lock& lock, const Requester& who, policy::Right right, const Inode& inode,
                                     const std::string& path) const {
  auto object = object_of(lock, inode);
  auto verdict = judge(lock, who, right, object);
  const auto name = std::find(object.paths.begin(), object.paths.end(), path);
  if (!verdict.permitted || name == object.paths.begin() || name == object.paths.end()) return verdict;
  std::iter_swap(name, object.paths.begin());
  return judge(lock, who, right, object);
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

namespace {
/// What the running request recorded that must be on the disk before its answer. One request at a time has a thread.
struct Unsettled {
  bool log = false;
  std::vector<Sha256> objects;
};
thread_local Unsettled unsettled;
}  // namespace

void Monitor::append(const Lock&, std::span<Record> records, AuditLog::Space space) {
  ledger_->append(records, space);
  for (const Record& entry : records) {
    if (!policy_ || policy::durability(*policy_, entry.path) == policy::Durability::os) continue;
    unsettled.log = true;
    if (const auto* commit = std::get_if<Commit>(&entry.payload)) unsettled.objects.push_back(commit->sha256);
    if (const auto* rename = std::get_if<Rename>(&entry.payload); rename != nullptr && rename->saved)
      unsettled.objects.push_back(rename->saved->sha256);
  }
}

void Monitor::settle() {
  const auto due = std::exchange(unsettled, {});
  for (const Sha256& object : due.objects) objects_.sync(object);
  if (due.log) log_->sync();
}

Errno Monitor::refuse(const Lock& lock, const Requester& who, const char* action, Id artifact, const std::string& path,
                      const std::string& mode, const Verdict& verdict) {
  Refusal refusal;
  refusal.action_name = action;
  refusal.artifact = artifact;
  refusal.mode = mode;
  refusal.error = errno_name(verdict.error);
  Record entry = record(who, path, std::move(refusal), verdict);
  entry.reason = shortened(verdict.reason, kReasonMost);
  if (refusals_.admit(entry, now())) {
    append(lock, entry, AuditLog::Space::reserved);
    remember_why(entry, verdict);
  }
  return {verdict.error};
}

Errno Monitor::deny(const Requester& who, const char* action, Id artifact, const std::string& path, int error,
                    const char* reason) {
  who.prepare();
  Verdict verdict;
  verdict.permitted = false, verdict.error = error, verdict.reason = std::string("denied: ") + reason;
  return refuse(lock(), who, action, artifact, path, "", verdict);
}

void Monitor::remember_why(const Record& refusal, const Verdict& verdict) {
  const auto uid = refusal.user.id;
  if (why_.size() >= kWhyUsers && !why_.contains(uid))  // the one whose last refusal is longest ago goes
    why_.erase(std::min_element(why_.begin(), why_.end(), [](const auto& a, const auto& b) {
      return a.second.back().sequence < b.second.back().sequence;
    }));
  std::string text = action_of(refusal.payload) + " " + harmless(shortened(refusal.path, kWhyPathMost)) + ": " +
                     harmless(refusal.reason);
  if (!verdict.rule.empty()) text += "\nrule " + verdict.rule + " of policy " + std::to_string(verdict.policy);
  text += "\nwho could: " + (verdict.who_could.empty() ? std::string("nobody under this policy") : verdict.who_could);
  auto& kept = why_[uid];
  kept.push_back({now(), ledger_->next() - 1, std::move(text)});
  if (kept.size() > kWhyKept) kept.pop_front();
}

void Monitor::record_refusals(bool all) {
  const auto held = lock();
  auto counted = refusals_.take(now(), all);
  for (std::size_t i = 0; i < counted.size(); ++i) {
    try {
      append(held, std::span(&counted[i], 1), AuditLog::Space::reserved);
    } catch (const Error&) {  // they were answered: they are recorded when there is room again
      refusals_.put_back(std::span(counted).subspan(i));
      throw;
    }
  }
}

Monitor::Verdict Monitor::refused_by_mode(const Inode& inode, int error, const char* reason) const {
  Verdict verdict;
  verdict.permitted = false;
  verdict.error = error;
  verdict.reason = std::string("denied: ") + reason;
  verdict.who_could = "the owner (uid " + std::to_string(inode.uid) + ") or root, by chmod or chown";
  return verdict;
}

Errno Monitor::refuse_mode(const Lock& lock, const Requester& who, const char* action, const Inode& inode,
                           const std::string& path, int error, const char* reason) {
  return refuse(lock, who, action, inode.id, path, "", refused_by_mode(inode, error, reason));
}

void Monitor::announce(const Lock&, const Inode& inode) const {
  hooks_.changed(inode.number, catalog_->names(inode.id));
}

/// Who may search a folder changed: the kernel must ask again about everything in it.
void Monitor::announce_children(const Lock&, Id folder) const {
  constexpr std::size_t kAtOnce = 1000;
  for (std::uint64_t after = 0;;) {
    const auto entries = catalog_->list(folder, after, kAtOnce);
    for (const Entry& entry : entries) hooks_.changed(entry.number, {{folder, entry.name}});
    if (entries.size() < kAtOnce) return;
    after = entries.back().cookie;
  }
}

}  // namespace ward::store

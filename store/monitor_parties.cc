// SPDX-License-Identifier: Apache-2.0
// The monitor on descriptors that change hands: fork and exec hand them down, a socket passes them to any user. What is
// read and written is recorded of whom it is read and written by, each with a handle of its own that names the one it
// came from. Nothing is decided: whoever opened the file might as well have copied its bytes.
#include <algorithm>
#include <cerrno>

#include "store/error.h"
#include "store/monitor.h"
#include "store/patience.h"

namespace ward::store {
namespace {

constexpr Nanos kThreadLife = 1'000'000'000;  // a thread's number may be another's after a while
constexpr std::size_t kMostThreads = 256, kMostParties = 256;

const char* mode_of(const Handle& handle) {
  return !handle.writes ? "r" : handle.reads ? "rw" : "w";
}

/// The process of a thread, remembered for a moment; 0 when nobody can tell.
std::int32_t process_of(Handle::Parties& parties, const Requester& who) {
  const auto time = now();
  if (const auto known = parties.threads.find(who.tid());
      known != parties.threads.end() && time - known->second.second < kThreadLife)
    return known->second.first;
  const auto pid = process_of_thread(who.tid());
  if (parties.threads.size() >= kMostThreads) parties.threads.clear();
  if (pid != 0) parties.threads[who.tid()] = {pid, time};
  return pid;
}

}  // namespace

std::shared_ptr<Handle> Monitor::party(const std::shared_ptr<Handle>& handle, const Requester& who) {
  const auto opener = handle->who.process().pid;
  if (who.tid() <= 0) return handle;  // the kernel writes pages back: for those who have it open
  if (who.uid() == handle->who.uid() && who.tid() == opener) return handle;
  std::unique_lock lock(handle->parties.mutex);
  const auto pid = process_of(handle->parties, who);
  if (pid == 0 || (who.uid() == handle->who.uid() && pid == opener)) return handle;
  auto& known = handle->parties.by_process;
  const auto key = std::pair(who.uid(), pid);
  if (const auto found = known.find(key); found != known.end()) {
    found->second->used = now();
    return found->second;
  }
  lock.unlock();
  // Asked with a deadline: requests that were under way when a process began an execve would wait for its end.
  const auto asked = std::make_shared<Requester>(who.uid(), who.gid(), who.tid());
  if (!in_time(who.uid(), kPatience, [asked] { asked->prepare(); }))
    throw Error(Code::busy, "a process that uses a descriptor can't be looked at");
  auto fresh = admit(*handle, *asked);
  std::vector<std::shared_ptr<Handle>> ended;
  lock.lock();
  const auto [kept, is_new] = known.emplace(key, fresh);
  if (!is_new) ended.push_back(std::exchange(fresh, kept->second));  // another thread of it was faster
  if (known.size() > kMostParties) take_idle(*handle, INT64_MAX, ended);
  lock.unlock();
  for (const auto& party : ended) end_party(*party);
  return fresh;
}

/// The record of a process that came to a descriptor without an open.
std::shared_ptr<Handle> Monitor::admit(Handle& handle, const Requester& who) {
  introduce(who);
  const auto held = lock();
  auto party = std::make_shared<Handle>(who);
  party->id = ledger_->next();
  party->artifact = handle.artifact, party->number = handle.number, party->version = handle.version,
  party->sha256 = handle.sha256;
  party->reads = handle.reads, party->writes = handle.writes, party->depth = handle.depth;
  party->path = handle.path, party->policy = handle.policy, party->rule = handle.rule;
  party->used = now();
  Open open;
  open.artifact = handle.artifact, open.version = handle.version, open.sha256 = handle.sha256;
  open.handle = party->id, open.via = handle.id, open.mode = mode_of(handle);
  open.depth = policy::to_string(handle.depth);
  if (handle.draft) {
    open.size = handle.draft->size();
    if (handle.writes) open.draft = handle.draft->kind() == DraftKind::scratch ? 0 : handle.draft->id.load();
  } else if (handle.object) {
    open.size = handle.object->size();
  }
  claim_notes(*party, open.draft);
  append(held, record(who, handle.path, open, {true, 0, handle.policy, handle.rule, "", ""}));
  if (handle.reads) learn(held, who, handle);
  if (handle.writes && handle.draft) handle.draft->activities.insert(who.process().entity_id);
  return party;
}

/// Takes out parties that did nothing since `before` and that no request is using; the least recent one at least.
void Monitor::take_idle(Handle& handle, Nanos before, std::vector<std::shared_ptr<Handle>>& into) {
  auto& known = handle.parties.by_process;
  if (before == INT64_MAX) {
    const auto oldest = std::min_element(known.begin(), known.end(),
                                         [](const auto& a, const auto& b) { return a.second->used < b.second->used; });
    before = oldest == known.end() ? 0 : oldest->second->used + 1;
  }
  std::erase_if(known, [&](auto& entry) {
    if (entry.second->used >= before || entry.second.use_count() > 1) return false;
    into.push_back(std::move(entry.second));
    return true;
  });
}

void Monitor::end_party(Handle& party) {
  std::vector<Record> records;
  collect(party, true, records);
  records.push_back(
      record(party.who, party.path, Close{party.artifact, party.id}, {true, 0, party.policy, party.rule, "", ""}));
  append(lock(), records, AuditLog::Space::reserved);
}

/// What is in an open file is known to who reads it: the version, what a draft's writers have read, and all labels.
void Monitor::learn(const Lock& held, const Requester& who, const Handle& handle) {
  if (const auto inode = find(held, handle.artifact))
    lineage_.read_labelled(who.caller(), object_of(held, *inode).labels);
  if (!is_material(handle.path)) return;
  if (handle.version != 0) lineage_.read(who.caller(), {handle.artifact, handle.version});
  if (!handle.draft) return;
  const std::vector<std::string> writers(handle.draft->activities.begin(), handle.draft->activities.end());
  std::set<std::string> labels;
  for (const Input& input : lineage_.inputs(writers, {handle.artifact, UINT64_MAX}, handle.draft->last_write, &labels))
    lineage_.read(who.caller(), input.of);
  lineage_.read_labelled(who.caller(), std::vector<std::string>(labels.begin(), labels.end()));
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
#include "store/requester.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

namespace ward::store {

Requester Requester::self() {
  static std::mutex mutex;
  static std::optional<Requester> known;
  const std::scoped_lock lock(mutex);
  if (!known || known->tid() != ::getpid()) {  // a daemon is a fork of the command
    known = Requester(::geteuid(), ::getegid(), ::getpid());
    known->prepare();
  }
  return *known;
}

Requester Requester::of_record(const User& user, const Process& process) {
  Requester who(user.id, user.group, process.pid);
  Facts facts;
  facts.caller.uid = user.id, facts.caller.gid = user.group, facts.caller.pid = process.pid;
  facts.caller.login = user.login, facts.caller.entity_id = process.entity_id,
  facts.caller.executable = process.executable;
  facts.subject.uid = user.id, facts.subject.gid = user.group, facts.subject.login_uid = user.login;
  facts.subject.user = user.name, facts.subject.executable = process.executable;
  facts.user = user, facts.process = process;
  who.facts_ = std::make_shared<const Facts>(std::move(facts));
  return who;
}

const Requester& Requester::prepare() const {
  if (facts_) return *this;
  Facts facts;
  facts.caller = identify(uid_, gid_, tid_);
  const Caller& caller = facts.caller;
  facts.user = {uid_, user_name(uid_), gid_, caller.login, caller.login == kUnsetLogin ? "" : user_name(caller.login)};
  facts.process = {caller.pid, caller.entity_id, caller.executable};
  policy::Subject& subject = facts.subject;
  subject.uid = uid_, subject.gid = gid_, subject.groups = caller.groups, subject.login_uid = caller.login;
  subject.user = facts.user.name, subject.executable = caller.executable;
  subject.group_names.push_back(group_name(gid_));
  for (const auto gid : caller.groups) subject.group_names.push_back(group_name(gid));
  facts_ = std::make_shared<const Facts>(std::move(facts));
  return *this;
}

bool Requester::in_group(std::uint32_t gid) const {
  if (gid == gid_) return true;
  if (!facts_ && !groups_) groups_ = groups_of(uid_, gid_, tid_);
  const auto& groups = facts_ ? facts_->caller.groups : *groups_;
  return std::find(groups.begin(), groups.end(), gid) != groups.end();
}

std::int32_t Requester::session() const {
  if (facts_) return facts_->caller.session;
  return tid_ > 0 ? ::getsid(tid_) : 0;
}

bool mode_allows(const Requester& who, const Inode& inode, unsigned mask) {
  if (who.root()) return (mask & kExecute) == 0 || inode.kind == Kind::folder || (inode.mode & 0111) != 0;
  unsigned bits = inode.mode & 7;
  if (who.uid() == inode.uid) {
    bits = inode.mode >> 6 & 7;
  } else if ((inode.mode >> 3 & 7) != bits && who.in_group(inode.gid)) {  // groups are read only when they matter
    bits = inode.mode >> 3 & 7;
  }
  return (bits & mask) == mask;
}

std::uint32_t without_privileges(const Requester& who, const Inode& inode) {
  auto mode = inode.mode & ~static_cast<std::uint32_t>(S_ISUID);
  if ((mode & S_ISGID) == 0) return mode;
  const bool privilege = (mode & S_IXGRP) != 0 || (!who.root() && !who.in_group(inode.gid));
  return privilege ? mode & ~static_cast<std::uint32_t>(S_ISGID) : mode;
}

bool opened_by_kernel(Kind kind) {
  return kind != Kind::file && kind != Kind::folder && kind != Kind::symlink;
}

bool sticky_allows(const Requester& who, const Inode& folder, const Inode& victim) {
  return (folder.mode & S_ISVTX) == 0 || who.root() || who.uid() == folder.uid || who.uid() == victim.uid;
}

}  // namespace ward::store

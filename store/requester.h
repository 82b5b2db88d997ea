// SPDX-License-Identifier: Apache-2.0
// Who asks the monitor for something. uid, gid and thread come from the kernel's request; the rest is read from /proc
// at first use, while the caller is blocked in its system call. Not thread-safe: one per request, or owned by a handle.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "policy/types.h"
#include "store/catalog.h"
#include "store/process.h"
#include "store/record.h"

namespace ward::store {

class Requester {
 public:
  Requester(std::uint32_t uid, std::uint32_t gid, std::int32_t tid) : uid_(uid), gid_(gid), tid_(tid) {}
  /// The daemon itself, prepared, for what nobody asked for (recovery, publishing).
  static Requester self();
  /// One that is over, as its record named it.
  static Requester of_record(const User& user, const Process& process);

  std::uint32_t uid() const { return uid_; }
  std::uint32_t gid() const { return gid_; }
  std::int32_t tid() const { return tid_; }
  bool root() const { return uid_ == 0; }
  bool in_group(std::uint32_t gid) const;

  /// Reads what there is to know. Call before taking the monitor's lock: names may need a slow look-up, and the process
  /// may be one whose close waits for that lock.
  const Requester& prepare() const;
  bool prepared() const { return facts_ != nullptr; }
  /// The processes above the caller can't be seen now.
  bool obscured() const { return caller().known && !caller().family; }
  const Caller& caller() const { return prepare().facts_->caller; }
  const policy::Subject& subject() const { return prepare().facts_->subject; }
  const User& user() const { return prepare().facts_->user; }
  const Process& process() const { return prepare().facts_->process; }
  /// Session of the caller, without reading the rest.
  std::int32_t session() const;

 private:
  struct Facts {
    Caller caller;
    policy::Subject subject;
    User user;
    Process process;
  };
  std::uint32_t uid_, gid_;
  std::int32_t tid_;
  mutable std::shared_ptr<const Facts> facts_;
  mutable std::optional<std::vector<std::uint32_t>> groups_;  // read alone when only they are asked for
};

/// What a file may do beyond its user when it is executed; goes with the bytes it was given for.
inline constexpr const char* kCapability = "security.capability";

enum Access : unsigned { kExecute = 1, kWrite = 2, kRead = 4 };

/// Whether mode bits, owner and groups allow `mask`, as on any disk.
bool mode_allows(const Requester& who, const Inode& inode, unsigned mask);
/// The mode that is left when the file's bytes or owner change: without set-uid, and without set-gid where that is a
/// privilege or a group of others.
std::uint32_t without_privileges(const Requester& who, const Inode& inode);
/// What the kernel opens without us: FIFOs, sockets, devices.
bool opened_by_kernel(Kind kind);
/// Whether `who` may remove or move a name of `victim` in `folder`, as far as the sticky bit says.
bool sticky_allows(const Requester& who, const Inode& folder, const Inode& victim);

}  // namespace ward::store

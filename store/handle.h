// SPDX-License-Identifier: Apache-2.0
// An open file or folder. Made by the monitor, held by the driver until RELEASE; immutable but for what says otherwise.
// Descriptors are inherited and passed on: each other process that reads or writes through one is a party, with a
// handle of its own in the log.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "policy/types.h"
#include "store/draft.h"
#include "store/object_store.h"
#include "store/requester.h"
#include "store/slots.h"

namespace ward::store {

struct Handle {
  explicit Handle(Requester requester) : who(std::move(requester)) {}

  Id id = 0;  // sequence of the record of the open
  Id artifact = 0;
  Id number = 0;              // inode number
  std::uint64_t version = 0;  // that it reads; of a draft, its base
  Sha256 sha256;
  bool reads = false, writes = false, append = false;
  policy::Depth depth = policy::Depth::ranges;
  std::shared_ptr<const Object> object;  // a version's bytes; null for an empty one or with a draft
  std::shared_ptr<Draft> draft;          // a draft's bytes
  Requester who;                         // as it was at the open
  std::string path;                      // at the open
  std::uint64_t policy = 0;              // that permitted it, and its rule
  std::string rule;
  std::atomic<std::uint64_t> joined = 0;                  // the draft's generation in which its session joined
  std::atomic<std::uint64_t> privileges = 0;              // the monitor's count when a write last dropped them
  std::unique_ptr<Slots::Notes> read_notes, write_notes;  // null when the depth doesn't ask for ranges

  struct Parties {
    std::mutex mutex;  // never held while the monitor's lock is taken
    std::map<std::pair<std::uint32_t, std::int32_t>, std::shared_ptr<Handle>> by_process;  // (uid, process)
    std::map<std::int32_t, std::pair<std::int32_t, Nanos>> threads;  // thread -> its process, and when that was asked
  };
  Parties parties;
  std::atomic<Nanos> used = 0;  // of a party: its last request
};

}  // namespace ward::store

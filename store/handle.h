// SPDX-License-Identifier: Apache-2.0
// An open file or folder. Made by the monitor, held by the driver until RELEASE; immutable but for what says otherwise.
#pragma once
#include <atomic>
#include <memory>
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
  std::unique_ptr<Slots::Notes> read_notes, write_notes;  // null when the depth doesn't ask for ranges
};

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// What witnesses signed about a log, found in a copy of its audit folder: in anchors/, in the checkpoint, and in what
// the auditor kept. Where it was found proves nothing; the cosignature does. Thread-safe.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/audit_verify.h"
#include "store/checkpoint.h"

namespace ward::store {

struct Cosigned {
  std::string file;        // where it was found, for people
  VerifierKey witness;     // who signed
  std::uint64_t time = 0;  // seconds since 1970 UTC, as the witness says
  Checkpoint checkpoint;
};

struct CosignedSearch {
  std::vector<Cosigned> found;     // good ones of this log; of each witness by size, the largest last
  std::vector<std::string> notes;  // files with a cosignature that is wrong or of another log
};

/// Looks in `audit` and `kept` for checkpoints of the log `origin` that one of the witnesses cosigned. `now` in seconds
/// since 1970. Throws Error{io} for what can't be read; a file that isn't a checkpoint is no error.
CosignedSearch find_cosigned(const std::filesystem::path& audit, const std::optional<std::string>& kept,
                             const std::string& origin, const std::vector<VerifierKey>& witnesses, std::uint64_t now);

/// How many records the largest checkpoint in anchors/ covers that the witness cosigned; 0 when there is none.
std::uint64_t largest_cosigned(const std::filesystem::path& audit, const std::string& origin,
                               const VerifierKey& witness, std::uint64_t now);

/// For VerifyRequest: what each of them vouches for.
std::vector<Vouched> vouched(const CosignedSearch& search);

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// What an audit folder says about itself, for the offline check: records that lines were pruned, the key replaced, a
// checkpoint anchored; and files that are neither lines, tiles nor checkpoint. Functions are thread-safe.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/checkpoint.h"
#include "store/record.h"

namespace ward::store {

/// What records say about the log. Only those count that the checkpoint covers: anybody can append lines to a copy.
/// Whether they are the lines that were signed, their hashes tell.
struct Claims {
  Sequence pruned = 0;           // the lines before this record
  Sequence pruned_unsigned = 0;  // the same, by a record that no checkpoint covers
  std::vector<Record> rotations, anchors;
};
/// `lines`: those that prune the log, replace its key or anchor it. `covered`: so many records are signed for.
Claims claims_of(const std::vector<std::string>& lines, Sequence covered);

/// Names in the folder that mean nothing to a check, sorted. Throws std::filesystem::filesystem_error.
std::vector<std::string> strangers_in(const std::filesystem::path& audit);

/// Whether "vkey" there is missing, or names one of these: any other would mislead who takes it for the log's.
bool names_one_of(const std::filesystem::path& audit, const std::vector<VerifierKey>& keys);

}  // namespace ward::store

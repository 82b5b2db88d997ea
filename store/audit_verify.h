// SPDX-License-Identifier: Apache-2.0
// Checks a copy of the audit folder: needs nothing of the store but that folder, and changes nothing. What the folder
// says about its own key proves nothing, so an auditor brings the key, or a checkpoint kept earlier, or both.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/checkpoint.h"
#include "store/key_history.h"
#include "store/types.h"

namespace ward::store {

enum class Verdict {
  verified,              // the signed records are those that the outside key or the kept checkpoint vouches for
  self_consistent_only,  // no contradiction, but key and lines come from the same folder: a forger could have made both
  key_mismatch,          // signed, but not by the key from outside
  no_checkpoint,         // nothing signed: only form and numbers of the lines were checked
  damaged,               // lines, tiles and checkpoints contradict each other
};

/// A checkpoint that somebody else than the log vouches for: the lines must be those that it was signed for.
struct Vouched {
  std::string name;  // for people
  Checkpoint checkpoint;
};

struct VerifyRequest {
  std::filesystem::path audit;
  std::optional<std::string> vkey;    // printed when the store was made
  std::optional<std::string> kept;    // text of a checkpoint that the auditor kept
  std::vector<Vouched> vouched = {};  // their signatures were checked (witnesses.h)
};

struct BadLine {
  std::string file;        // name of the segment
  std::uint64_t line = 0;  // from 1
  Sequence sequence = 0;
  bool operator==(const BadLine&) const = default;
};

struct Verification {
  Verdict verdict = Verdict::damaged;
  Sequence records = 0;             // lines that are well-formed and numbered without a gap, from record 0
  Sequence pruned = 0;              // of these, how many have no line any more, only their hash
  Sequence covered = 0;             // of these, how many the folder's checkpoint covers
  std::optional<BadLine> bad_line;  // the first one
  bool signature_good = false;      // of the folder's checkpoint, with the key that is trusted
  bool lines_hold = false;          // the lines are those that the checkpoints were signed for, whatever else is wrong
  std::vector<std::string> problems;  // why the verdict isn't `verified`; for people
  std::vector<std::string> notes;     // what else is worth knowing: records not covered yet, an unfinished last line
};

/// A checkpoint and what its signature is worth.
struct Signed {
  Checkpoint checkpoint;
  Signature signature = Signature::absent;
};
/// `trusted`: one of the log's keys; the checkpoint must be signed with the one that was in force. Throws
/// Error{corrupt} for what isn't a checkpoint. Without a key nothing is said about the signature (absent).
Signed read_signed(const std::string& text, const std::optional<VerifierKey>& trusted, const KeyHistory& keys);

/// Checks the records [from, to) against the tiles and the checkpoint, and reads nothing else of the log. `records` is
/// how many of them are good, from the first; request.kept isn't looked at. Throws as verify_audit.
Verification verify_range(const VerifyRequest& request, Sequence from, Sequence to);

/// Reads everything. Throws Error{io} when the folder can't be read, Error{corrupt} when what the auditor brought (key
/// or kept checkpoint) isn't one. Uses all cores; thread-safe.
Verification verify_audit(const VerifyRequest& request);

}  // namespace ward::store

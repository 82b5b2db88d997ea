// SPDX-License-Identifier: Apache-2.0
// Proofs that a record is in the log that a checkpoint was signed for: C2SP tlog-proof, version 1. Whoever has the
// proof, the line and the verifier key needs nothing else.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/checkpoint.h"
#include "store/types.h"

namespace ward::store {

struct Proof {
  std::optional<std::string> line;  // the record, as the proof's extra data: then the file proves itself
  Sequence index = 0;               // the record's sequence
  std::vector<Hash> hashes;         // the leaf's sibling first
  std::string checkpoint;           // a signed note
};

std::string to_text(const Proof& proof);
/// Throws Error{corrupt} for anything that to_text can't have made.
Proof parse_proof(std::string_view text);

/// From the tiles and the checkpoint of an audit folder; with_line adds the record. Throws Error{usage} for a record
/// that no checkpoint covers (one is signed each second), Error{corrupt} when what is there proves nothing.
Proof prove(const std::filesystem::path& audit, Sequence record, bool with_line);

/// Why the proof doesn't show that `line` (without '\n') is a record of the log of `key`; "" when it does. Pure.
std::string refute(const Proof& proof, std::string_view line, const VerifierKey& key);

}  // namespace ward::store

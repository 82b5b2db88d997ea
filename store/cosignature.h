// SPDX-License-Identifier: Apache-2.0
// Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519): a witness signs that a checkpoint continues all that it
// saw of this log before, and when it saw it. And what is said to a witness to get one (C2SP tlog-witness). Pure;
// thread-safe.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "store/checkpoint.h"

namespace ward::store {

struct Cosignature {
  Signature signature = Signature::absent;
  std::uint64_t time = 0;  // seconds since 1970 UTC, of a good one: the newest of several
};

/// Of the witness whose key (type `cosignature`) that is, on this checkpoint; `now` in seconds since 1970. One that is
/// more than ten minutes ahead of `now` is bad: its time means nothing.
Cosignature check_cosignature(const Note& note, const VerifierKey& witness, std::uint64_t now);

/// The body of add-checkpoint: `old` is how many records the witness knows, `proof` the consistency proof from there.
std::string add_checkpoint_body(std::uint64_t old, std::span<const Hash> proof, std::string_view checkpoint);

/// The checkpoint with those of the lines in `reply` that are the witness's; lines of others are left out. Throws Error
/// {corrupt} when none of them is, when one isn't good, or when it is no list of signature lines.
std::string with_cosignature(std::string_view checkpoint, std::string_view reply, const VerifierKey& witness,
                             std::uint64_t now);

}  // namespace ward::store

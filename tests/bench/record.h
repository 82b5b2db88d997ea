// SPDX-License-Identifier: Apache-2.0
// The records that the loops append.
#pragma once
#include <span>

#include "store/record.h"

namespace ward::bench {

/// What an open of a model leaves in the log: of the artifacts from kFirstArtifact on by turns; without a time and a
/// salt, which the ledger fills in.
store::Record open_record(store::Sequence sequence);

/// What a year of reading leaves in the log: opens and what was read, of the artifacts by turns, by 50 people with some
/// programs; every 5,000th is a refusal.
class Year {
 public:
  /// `artifacts`: none = those from kFirstArtifact on. `count` records fill the year that ends now.
  Year(std::span<const store::Id> artifacts, std::uint64_t count);
  store::Record record(store::Sequence sequence);

 private:
  std::vector<store::Id> artifacts_;
  store::Nanos time_, step_;
};

}  // namespace ward::bench

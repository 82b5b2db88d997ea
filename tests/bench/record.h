// SPDX-License-Identifier: Apache-2.0
// The record that the loops append: what an open of a model leaves in the log.
#pragma once
#include "store/record.h"

namespace ward::bench {

/// Of the artifacts from kFirstArtifact on by turns; without a time and a salt, which the ledger fills in.
store::Record open_record(store::Sequence sequence);

}  // namespace ward::bench

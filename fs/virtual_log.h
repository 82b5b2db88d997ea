// SPDX-License-Identifier: Apache-2.0
// The log as people ask for it: one artifact's records, one day's as a table for awk and cut.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "fs/virtual_tree.h"

namespace ward::fs {

/// PATH@@/audit.jsonl: every record that names the artifact, those about others (what was made from it) as far as the
/// reader may audit those. The caller has decided that the reader may audit this one.
std::unique_ptr<VirtualFile> open_records(store::Monitor& monitor, const store::Requester& who, store::Id artifact);

/// MOUNT/@@/audit/<day>.tsv, of UTC days that have records: "2026-11-23.tsv"; and today.tsv, which is always there.
std::vector<std::string> day_files(const store::Monitor& monitor);
bool is_day_file(const store::Monitor& monitor, const std::string& name);
std::unique_ptr<VirtualFile> open_day(store::Monitor& monitor, const std::string& name);

}  // namespace ward::fs

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

/// In MOUNT/@@/audit, but not listed there: `cat *.jsonl` is the log, each record once.
inline constexpr std::string_view kMine = "mine.jsonl";

/// In MOUNT/@@/audit: <day>.tsv, of UTC days that have records: "2026-11-23.tsv"; and today.tsv.
std::vector<std::string> log_reports(const store::Monitor& monitor);
bool is_day_file(const store::Monitor& monitor, const std::string& name);
/// What the reader did, as far as the log says it by user id.
std::unique_ptr<VirtualFile> open_mine(store::Monitor& monitor, const store::Requester& who);
std::unique_ptr<VirtualFile> open_day(store::Monitor& monitor, const std::string& name);

/// MOUNT/@@/audit/find/<question>, not listed: the records that answer it (store/log_question.h). The caller has
/// decided that the reader may audit the whole log.
inline constexpr std::string_view kFind = "audit/find/";
/// EINVAL for a question that can't be understood; @@/why then tells what is wrong with it.
store::Result<std::unique_ptr<VirtualFile>> open_answer(store::Monitor& monitor, const store::Requester& who,
                                                        const Virtual& file, const std::string& path);

}  // namespace ward::fs

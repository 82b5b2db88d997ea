// SPDX-License-Identifier: Apache-2.0
// The parts of fsck and rebuild. Private to fsck*.cc.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/catalog.h"
#include "store/config.h"
#include "store/error.h"
#include "store/fsck.h"

namespace ward::store {

/// What the log says that the store must hold beside the catalog.
struct Expected {
  struct Object {
    std::optional<std::uint64_t> size;  // unknown of the values of xattrs
    std::string named_by;               // for messages: "/m.bin v3"
    bool lost = false;                  // known to be lost: nobody is told again
  };
  std::unordered_map<Sha256, Object> objects;
  std::unordered_map<std::string, Sha256> anchors;  // file in audit/anchors -> the newest output of that name
  std::optional<Publish> published;                 // the newest
  Sequence records = 0;
  bool whole = false;  // the log was replayed to its end
};

/// Applies all records of the log to an empty catalog, commits it, and tells what else they expect. Throws
/// Error{corrupt} naming the record that can't be replayed.
Expected replay(const std::filesystem::path& store, Catalog& catalog, const Progress& progress);

/// Runs a check; an Error of it becomes a finding, except where the check couldn't be done (disk full).
void guarded(FsckReport& report, Severity severity, const std::string& advice, const std::function<void()>& check);

/// Every line is what was signed, and the tiles follow from the lines.
void check_log(const std::filesystem::path& store, const Config& config, FsckReport& report, const Progress& progress);
void check_objects(const std::filesystem::path& store, const Expected& expected, FsckReport& report,
                   const Progress& progress);
/// What the commands of [[anchor]] printed is kept as it was.
void check_anchors(const std::filesystem::path& store, const Expected& expected, FsckReport& report);
/// Compares STORE/catalog.db with the replayed one; works on a copy of it in `work`.
void check_catalog(const std::filesystem::path& store, const std::filesystem::path& work, const Catalog& replayed,
                   FsckReport& report);
void check_drafts(const std::filesystem::path& store, const Catalog& replayed, FsckReport& report);
void check_history(const std::filesystem::path& store, const Expected& expected, FsckReport& report);

}  // namespace ward::store

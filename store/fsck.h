// SPDX-License-Identifier: Apache-2.0
// Checks a whole store offline, and rebuilds its catalog from its log. Both need the store for themselves.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/progress.h"
#include "store/types.h"

namespace ward::store {

enum class Severity {
  note,     // harmless: left by an interruption, settled by the next mount
  warning,  // a projection or a leftover is wrong; no artifact is
  error,    // something that was promised is missing or changed
};

struct Finding {
  Severity severity = Severity::note;
  std::string what;    // the thing and what is wrong with it
  std::string advice;  // what to do
};

struct FsckReport {
  std::vector<Finding> findings;
  Sequence records = 0;
  std::uint64_t versions = 0, objects = 0, bytes = 0;  // bytes: of the objects, each once
  bool sound() const;                                  // no error and no warning
};

/// Verifies the log, every object's bytes, that every version has its object, that the catalog is what the log says,
/// the open drafts and git history. Changes nothing; works in a temporary folder inside the store, which it removes.
/// What is damaged is a finding. Throws Error{busy} while the store is in use, {config}, {format} as load_config, and
/// {io} or {no_space} when the check itself can't be done.
FsckReport fsck(const std::filesystem::path& store, const Progress& progress);

/// Replays the whole log into a new catalog and puts it in the place of the old one: after a crash the old one, the new
/// one or none is there, and the next mount brings any of these up to date. Recorded in the log
/// first, as a `maintenance` record of the caller. Returns the number of records replayed. Throws as fsck;
/// Error{corrupt} when the log can't be replayed: then the old catalog stays.
Sequence rebuild(const std::filesystem::path& store, const Progress& progress);

}  // namespace ward::store

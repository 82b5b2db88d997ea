// SPDX-License-Identifier: Apache-2.0
// What the virtual files say: pure renderers from the catalog to text. The formats are in INTERFACE.md; scripts of
// users parse them, so that fields are only ever added. The caller holds the monitor's lock, and has decided that the
// reader may read `id`. An id that doesn't exist gives "".
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "policy/policy.h"
#include "store/catalog.h"

namespace ward::store {

/// Whether the reader may learn of an artifact's path and bytes, or of a folder's names. Empty: of all.
using Visible = std::function<bool(Id)>;
/// All that is known of an inode and its current version, as one JSON object. Of further names in folders that aren't
/// `visible` only the number is told.
std::string info_json(const Catalog& catalog, Id id, const Visible& visible = {});
/// The stage of the current version and a newline.
std::string stage_text(const Catalog& catalog, Id id);

/// One line per change, newest last: `time  user  action  vN  detail`.
std::string history_text(const Catalog& catalog, Id id);
/// One line per version, oldest first, under a line of column names.
std::string versions_table(const Catalog& catalog, Id id);

/// Lines `key value`: version, rule, mode, keep-until, purge-after, state, holds. They come from the record that made
/// the current version, which is what binds; where nothing was saved yet, from what `policy` would give a save at
/// `now`. state: `kept` (until keep-until), `purge-due` or `free`.
std::string retention_text(const Catalog& catalog, Id id, const policy::Policy& policy, Nanos now);

/// What a version was made from (inputs) and what was made from it (outputs), with the inputs of the inputs and so on:
/// {"path","version","sha256","inputs":[{"path","version","sha256","basis","confidence","inputs":[…]}],"outputs":[…]}.
/// Each version is expanded once, where it is nearest; other mentions say "repeated": true. "more": true stands where
/// 16 levels or 10,000 versions ended it. One that isn't `visible` shows as "hidden": true and isn't expanded.
std::string lineage_json(const Catalog& catalog, VersionRef of, const Visible& visible = {});
/// The same as an indented tree.
std::string lineage_text(const Catalog& catalog, VersionRef of, const Visible& visible = {});

/// Lines `key value`, each key once: `facts` of the running daemon as they are (no newline in them), then what the
/// store holds as far as the facts don't say it.
std::string status_text(const Catalog& catalog, const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// What the virtual tree makes of the log for auditors: entry bundles beside the tiles, and proofs beside the versions.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/virtual_tree.h"
#include "store/bundles.h"

namespace ward::fs {

inline constexpr std::string_view kAuditFolder = "audit/";  // how the names of nodes there begin

// `path`: below the audit folder, "tile/entries/…".
/// Whether that is a folder of bundles; nullopt when nothing is there. A partial bundle is there in every width that
/// the log has reached.
std::optional<bool> find_bundle(store::Monitor& monitor, const std::string& path);
/// Partial ones as they go with the partial tiles that are there: whoever copied an earlier checkpoint needs those.
std::vector<store::BundleName> list_bundles(store::Monitor& monitor, const std::string& folder);
/// A folder of the audit folder, or drafts/: sorted, the checkpoint and anchors before the tiles and these before the
/// lines, so that a copy in this order has all that each of them covers, though the log grows meanwhile.
std::vector<store::BundleName> disk_entries(const store::Monitor& monitor, const Virtual& folder);
/// A partial tile that went when its tile became full, or its folder: who saw it in a listing finds it all the same.
std::optional<bool> find_past_tile(const store::Monitor& monitor, const std::string& path);
/// The bytes of a bundle, or of such a tile.
std::string bundle_text(store::Monitor& monitor, const std::string& path);

/// Has a checkpoint signed over all that is in the log, so that a copy that begins with it is covered up to there;
/// where that isn't possible now, the last one stays.
void sign_now(store::Monitor& monitor);
/// Decided (right `audit`) and recorded.
store::Result<std::unique_ptr<VirtualFile>> open_bundle(store::Monitor& monitor, const store::Requester& who,
                                                        const Virtual& file);
/// The proof of the record that made a version: for who may read the artifact; with the record itself for who may also
/// audit it. One that no checkpoint covers yet has one signed.
store::Result<std::unique_ptr<VirtualFile>> open_proof(store::Monitor& monitor, const store::Requester& who,
                                                       const Virtual& file);

}  // namespace ward::fs

// SPDX-License-Identifier: Apache-2.0
// The log's lines as C2SP tlog-tiles entry bundles: tile/entries/<N>[.p/<width>], up to 256 entries of a big-endian
// length of 16 bits and a line each. They are made from the segments when somebody reads them: kept as files they would
// be a second copy of the log.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/tiles.h"
#include "store/types.h"

namespace ward::store {

inline constexpr std::string_view kBundles = "tile/entries";

/// The bundle of a path below the audit folder, as a tile of level 0: "tile/entries/x001/067.p/3". nullopt for any
/// other text.
std::optional<Tile> parse_bundle_path(std::string_view path);
std::string bundle_path(const Tile& bundle);

struct BundleName {
  std::string name;
  bool folder = false;
};
/// What a folder of bundles holds for a log whose checkpoint covers `size` records, those before `first` pruned:
/// "tile/entries", "tile/entries/x001", "tile/entries/273.p". Empty when that folder isn't there.
std::vector<BundleName> list_bundles(std::string_view folder, std::uint64_t size, Sequence first = 0);

/// Its bytes. Throws Error{usage} when the log lacks a record of it, Error{corrupt} as read_lines.
std::string read_bundle(const std::filesystem::path& audit, const Tile& bundle);

}  // namespace ward::store

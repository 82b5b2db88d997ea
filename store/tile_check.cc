// SPDX-License-Identifier: Apache-2.0
// See tile_check.h.
#include "store/tile_check.h"

#include <algorithm>

#include "store/bundles.h"
#include "store/error.h"
#include "store/files.h"

namespace ward::store {

TileCheck::TileCheck(std::filesystem::path audit) : audit_(std::move(audit)), tree_(audit_) {
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(audit_ / "tile", error)) {
    std::error_code unknown;  // a symlink that leads nowhere
    if (entry.is_directory(unknown)) continue;
    const std::string path = entry.path().lexically_relative(audit_).string();
    if (!entry.is_regular_file(unknown)) {
      if (entry.symlink_status(unknown).type() != std::filesystem::file_type::not_found) strangers_.push_back(path);
    } else if (const auto tile = parse_tile_path(path)) {
      present_[{tile->level, tile->index}].push_back(*tile);
    } else if (const auto bundle = parse_bundle_path(path)) {
      bundles_.push_back(*bundle);
    } else {
      strangers_.push_back(path);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) throw_errno("list the tiles", error.value());
}

void TileCheck::append(const Hash& leaf) {
  tree_.append(leaf);
  if (tree_.unwritten() == 0) return;
  for (const auto& [tile, bytes] : tree_.take_full()) compare(tile, bytes);
}

// `bytes`: the tile as far as the leaves go. Wider tiles on disk wait for more leaves.
void TileCheck::compare(const Tile& whole, std::string_view bytes) {
  const auto found = present_.find({whole.level, whole.index});
  if (found == present_.end()) return;
  std::erase_if(found->second, [&](const Tile& tile) {
    if (tile.width > whole.width) return false;
    compare_one(tile, bytes.substr(0, tile.width * sizeof(Hash)));
    auto& widest = seen_[{tile.level, tile.index}];
    widest = std::max(widest, tile.width);
    return true;
  });
  if (found->second.empty()) present_.erase(found);
}

// The first hash that differs, tile.width when none does.
std::uint64_t TileCheck::first_difference(const Tile& tile, std::string_view bytes, std::string_view expected) {
  const auto at = static_cast<std::uint64_t>(std::ranges::mismatch(bytes, expected).in1 - bytes.begin());
  const auto entry = at == std::min(bytes.size(), expected.size()) ? tile.width : at / sizeof(Hash);
  if (tile.level == 0 && entry < tile.width) {
    const std::uint64_t leaf = tile.index * kTileWidth + entry;
    first_bad_leaf_ = std::min(leaf, first_bad_leaf_.value_or(leaf));
  }
  return entry;
}

/// A partial tile that was listed goes once it is full: then it is the beginning of that.
std::string TileCheck::read(const Tile& tile) const {
  try {
    return read_file(audit_ / tile_path(tile));
  } catch (const Error&) {
    const auto full = audit_ / tile_path({tile.level, tile.index, kTileWidth});
    if (std::filesystem::exists(audit_ / tile_path(tile)) || !std::filesystem::exists(full)) throw;
    return read_file(full).substr(0, tile.width * sizeof(Hash));
  }
}

void TileCheck::compare_one(const Tile& tile, std::string_view expected) {
  const std::string bytes = read(tile);
  if (bytes == expected) return;
  if (bytes.size() != expected.size()) {
    mismatches_.push_back(
        {tile, "has " + std::to_string(bytes.size()) + " bytes instead of " + std::to_string(expected.size())});
  } else {
    const auto entry = first_difference(tile, bytes, expected);
    mismatches_.push_back({tile, "differs from the lines at hash " + std::to_string(entry)});
  }
}

void TileCheck::finish(std::uint64_t covered) {
  for (const auto& [edge, bytes] : tree_.partial()) {
    compare(edge, bytes);
    const auto wider = present_.find({edge.level, edge.index});
    if (wider == present_.end()) continue;
    for (const Tile& tile : wider->second) first_difference(tile, read(tile), bytes);
  }
  for (const auto& [place, tiles] : present_) {
    for (const Tile& tile : tiles) mismatches_.push_back({tile, "covers records that the log doesn't have"});
  }
  const auto need = [&](const Tile& tile) {
    const auto found = seen_.find({tile.level, tile.index});
    if (found == seen_.end() || found->second < tile.width) mismatches_.push_back({tile, "is missing"});
  };
  for (unsigned level = 0; covered >> (8 * level) != 0; ++level) {
    for (std::uint64_t i = 0; i < covered >> (8 * (level + 1)); ++i) need({level, i, kTileWidth});
  }
  for (const Tile& tile : partial_tiles(covered)) need(tile);
}

}  // namespace ward::store

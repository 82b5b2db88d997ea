// SPDX-License-Identifier: Apache-2.0
// Names, reading and growing of tiles. See tiles.h.
#include "store/tiles.h"

#include <charconv>
#include <cstring>

#include "store/durable_batch.h"
#include "store/error.h"

namespace ward::store {
namespace {

// Index in groups of three digits, all but the last marked with x: 1234067 is x001/x234/067.
std::string index_path(std::uint64_t index) {
  const auto group = [](std::uint64_t n) {
    const auto digits = std::to_string(n % 1000);
    return std::string(3 - digits.size(), '0') + digits;
  };
  std::string path = group(index);
  for (index /= 1000; index != 0; index /= 1000) path = "x" + group(index) + "/" + path;
  return path;
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

std::string bytes_of(const std::vector<Hash>& hashes) {
  std::string bytes(hashes.size() * sizeof(Hash), '\0');
  std::memcpy(bytes.data(), hashes.data(), bytes.size());
  return bytes;
}

Hash root_of(std::span<const Hash> hashes) {
  Frontier frontier;
  for (const Hash& hash : hashes) frontier.append(hash);
  return frontier.root();
}

}  // namespace

std::string tile_path(const Tile& tile) {
  std::string path = "tile/" + std::to_string(tile.level) + "/" + index_path(tile.index);
  if (tile.width != kTileWidth) path += ".p/" + std::to_string(tile.width);
  return path;
}

std::optional<Tile> parse_tile_path(std::string_view path) {
  Tile tile;
  std::string_view rest = path;
  if (!rest.starts_with("tile/")) return std::nullopt;
  rest.remove_prefix(5);
  const auto slash = rest.find('/');
  const auto level = number(rest.substr(0, slash));
  if (slash == rest.npos || !level || *level > 7) return std::nullopt;
  tile.level = static_cast<unsigned>(*level);
  rest.remove_prefix(slash + 1);
  if (const auto partial = rest.find(".p/"); partial != rest.npos) {
    const auto width = number(rest.substr(partial + 3));
    if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
    tile.width = static_cast<unsigned>(*width);
    rest = rest.substr(0, partial);
  }
  std::string digits;
  for (const char c : rest) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const auto index = number(digits);
  if (!index) return std::nullopt;
  tile.index = *index;
  return tile_path(tile) == path ? std::optional(tile) : std::nullopt;  // one spelling only
}

std::vector<Tile> partial_tiles(std::uint64_t size) {
  std::vector<Tile> tiles;
  for (unsigned level = 0; size != 0; ++level, size /= kTileWidth) {
    if (size % kTileWidth != 0) tiles.push_back({level, size / kTileWidth, static_cast<unsigned>(size % kTileWidth)});
  }
  return tiles;
}

std::vector<Hash> read_tile(const std::filesystem::path& audit, const Tile& tile) {
  const Tile full{tile.level, tile.index, kTileWidth};
  Tile found = std::filesystem::exists(audit / tile_path(full)) ? full : tile;
  // Beside a writer it may have become full just now: the partial one goes after that.
  if (!std::filesystem::exists(audit / tile_path(found)) && std::filesystem::exists(audit / tile_path(full)))
    found = full;
  const auto path = audit / tile_path(found);
  if (!std::filesystem::exists(path)) throw Error(Code::corrupt, path.string() + " is missing");
  const std::string bytes = read_file(path);
  if (bytes.size() != found.width * sizeof(Hash)) {
    throw Error(Code::corrupt, path.string() + " has " + std::to_string(bytes.size()) + " bytes instead of " +
                                   std::to_string(found.width * sizeof(Hash)));
  }
  std::vector<Hash> hashes(tile.width);
  std::memcpy(hashes.data(), bytes.data(), hashes.size() * sizeof(Hash));
  return hashes;
}

Hash read_node(const std::filesystem::path& audit, std::uint64_t size, unsigned level, std::uint64_t index) {
  const unsigned tile_level = level / 8, inside = level % 8;
  const std::uint64_t first = index << inside;  // entry of the tile level
  const std::uint64_t entries = size >> (8 * tile_level);
  const Tile tile{
      tile_level, first / kTileWidth,
      static_cast<unsigned>(std::min<std::uint64_t>(kTileWidth, entries - first / kTileWidth * kTileWidth))};
  if (first + (std::uint64_t{1} << inside) > entries) throw Error(Code::usage, "no complete subtree there");
  const auto hashes = read_tile(audit, tile);
  return root_of(std::span(hashes).subspan(first % kTileWidth, std::size_t{1} << inside));
}

TileWriter TileWriter::load(std::filesystem::path audit, std::uint64_t size) {
  TileWriter writer(std::move(audit));
  for (const Tile& tile : partial_tiles(size)) {
    writer.edge_.resize(tile.level + 1);
    writer.edge_[tile.level] = read_tile(writer.audit_, tile);
  }
  writer.size_ = writer.written_ = size;
  return writer;
}

void TileWriter::append(const Hash& leaf) {
  add(0, leaf);
  ++size_;
}

void TileWriter::add(unsigned level, const Hash& hash) {
  if (edge_.size() <= level) edge_.resize(level + 1);
  edge_[level].push_back(hash);
  if (edge_[level].size() < kTileWidth) return;
  const std::uint64_t index = size_ >> (8 * (level + 1));  // size_ still lacks the leaf that completes the tile
  full_.push_back({{level, index, kTileWidth}, bytes_of(edge_[level])});
  const Hash root = root_of(edge_[level]);
  edge_[level].clear();
  add(level + 1, root);
}

Frontier TileWriter::frontier() const {
  std::vector<Hash> peaks;
  for (std::size_t level = edge_.size(); level-- > 0;) {
    Frontier part;
    for (const Hash& hash : edge_[level]) part.append(hash);
    peaks.insert(peaks.end(), part.peaks().begin(), part.peaks().end());
  }
  return {size_, std::move(peaks)};
}

std::vector<TileWriter::TileBytes> TileWriter::partial() const {
  std::vector<TileBytes> tiles;
  for (const Tile& tile : partial_tiles(size_)) tiles.emplace_back(tile, bytes_of(edge_[tile.level]));
  return tiles;
}

void TileWriter::write() {
  DurableBatch batch;
  for (const auto& [tile, bytes] : full_) batch.add(audit_ / tile_path(tile), bytes);
  for (const auto& [tile, bytes] : partial()) {
    if (written_ >> (8 * tile.level) == size_ >> (8 * tile.level)) continue;  // this level hasn't grown
    batch.add(audit_ / tile_path(tile), bytes);
  }
  batch.commit();
  for (const auto& [tile, bytes] : full_) {
    std::error_code ignored;  // they are only superfluous
    std::filesystem::remove_all(audit_ / (tile_path(tile) + ".p"), ignored);
  }
  full_.clear();
  written_ = size_;
}

}  // namespace ward::store

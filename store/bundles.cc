// SPDX-License-Identifier: Apache-2.0
#include "store/bundles.h"

#include <algorithm>

#include "store/error.h"
#include "store/segments.h"

namespace ward::store {
namespace {

constexpr std::uint64_t kGroup = 1000;  // a folder's names have three digits

/// The number that the groups of a folder's path make: "tile/entries/x001/x234" is 1234; nullopt when it is none.
std::optional<std::uint64_t> prefix_of(std::string_view folder) {
  if (folder == kBundles) return 0;
  const auto first = parse_bundle_path(std::string(folder) + "/000");  // its first bundle tells
  return first && first->width == kTileWidth ? std::optional(first->index / kGroup) : std::nullopt;
}

std::string digits(std::uint64_t number) {
  const auto text = std::to_string(number);
  return std::string(3 - text.size(), '0') + text;
}

}  // namespace

std::optional<Tile> parse_bundle_path(std::string_view path) {
  if (!path.starts_with(kBundles)) return std::nullopt;
  return parse_tile_path("tile/0" + std::string(path.substr(kBundles.size())));
}

std::string bundle_path(const Tile& bundle) {
  return std::string(kBundles) + tile_path(bundle).substr(std::string_view("tile/0").size());
}

std::vector<BundleName> list_bundles(std::string_view folder, std::uint64_t size, Sequence first) {
  const std::uint64_t whole_from = (first + kTileWidth - 1) / kTileWidth;  // the first that lost no line
  const std::uint64_t full = size / kTileWidth, width = size % kTileWidth, end = full + (width != 0 ? 1 : 0);
  std::vector<BundleName> names;
  if (folder.ends_with(".p")) {
    const auto whole = parse_bundle_path(folder.substr(0, folder.size() - 2));
    if (whole && whole->width == kTileWidth && whole->index == full && width != 0 && full >= whole_from)
      names.push_back({std::to_string(width), false});
    return names;
  }
  const auto prefix = prefix_of(folder);
  if (!prefix) return names;
  for (auto n = std::max(whole_from, *prefix * kGroup); n < std::min(end, (*prefix + 1) * kGroup); ++n)
    names.push_back({digits(n % kGroup) + (n == full ? ".p" : ""), n == full});
  const std::uint64_t last = end == 0 ? 0 : (end - 1) / kGroup;  // the folder with the last bundle
  for (std::uint64_t i = *prefix == 0 ? 1 : 0; i < kGroup && *prefix * kGroup + i <= last; ++i)
    if ((*prefix * kGroup + i + 1) * kGroup > whole_from) names.push_back({"x" + digits(i), true});
  return names;
}

std::string read_bundle(const std::filesystem::path& audit, const Tile& bundle) {
  const Sequence first = bundle.index * kTileWidth, end = first + bundle.width;
  std::string bytes;
  Sequence next = first;
  read_range(audit, first, end, [&](Sequence sequence, std::string_view line) {
    bytes += {static_cast<char>(line.size() >> 8), static_cast<char>(line.size() & 0xff)};
    bytes += line;
    next = sequence + 1;
  });
  if (next != end) throw Error(Code::usage, "the log has no record " + std::to_string(next));
  return bytes;
}

}  // namespace ward::store

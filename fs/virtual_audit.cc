// SPDX-License-Identifier: Apache-2.0
#include "fs/virtual_audit.h"

#include <algorithm>
#include <cerrno>

#include "fs/virtual_text.h"
#include "store/error.h"
#include "store/proof.h"
#include "store/segment_text.h"
#include "store/segments.h"

namespace ward::fs {
namespace {

using store::Errno;
using store::Monitor;
using store::Requester;

/// How many records the newest checkpoint covers.
std::uint64_t covered(Monitor& monitor) {
  const auto text = monitor.log().checkpoint_text();
  return text.empty() ? 0 : store::parse_checkpoint(store::parse_note(text)).size;
}

/// The first record that wasn't pruned.
store::Sequence first_kept(Monitor& monitor) {
  const auto all = store::segments(monitor.folder() / "audit");
  return all.empty() ? 0 : all.front().first;
}

store::Proof proof_of(Monitor& monitor, store::Sequence record, bool with_line) {
  const auto audit = monitor.folder() / "audit";
  try {
    return store::prove(audit, record, with_line);
  } catch (const store::Error& error) {
    if (error.code() != store::Code::usage) throw;
    monitor.log().sync();
    monitor.log().checkpoint();
    return store::prove(audit, record, with_line);
  }
}

/// A folder `….p` of tiles or bundles.
std::vector<store::BundleName> list_partial(const Monitor& monitor, const std::string& folder) {
  std::vector<store::BundleName> names;
  const bool of_tiles = !folder.starts_with(store::kBundles);
  const auto tiles =
      monitor.folder() / "audit" / (of_tiles ? folder : "tile/0" + folder.substr(store::kBundles.size()));
  std::error_code gone;
  for (std::filesystem::directory_iterator entry(tiles, gone); !gone && entry != std::filesystem::directory_iterator();
       entry.increment(gone))
    names.push_back({entry->path().filename().string(), false});
  // It became full since somebody saw the folder in a listing, which lacked the full one: nobody knows what they need.
  for (unsigned width = 1; gone && width < store::kTileWidth; ++width) names.push_back({std::to_string(width), false});
  return names;
}

}  // namespace

void sign_now(Monitor& monitor) {
  try {
    monitor.log().sync();
    monitor.log().checkpoint();
  } catch (const store::Error&) {  // the daemon's own next try says what is wrong
  }
}

std::optional<bool> find_bundle(Monitor& monitor, const std::string& path) {
  if (!path.starts_with(store::kBundles)) return find_past_tile(monitor, path);
  const auto size = covered(monitor);
  if (const auto bundle = store::parse_bundle_path(path);
      bundle && bundle->index * store::kTileWidth < first_kept(monitor))
    return std::nullopt;
  if (const auto bundle = store::parse_bundle_path(path))
    return (bundle->index + 1) * store::kTileWidth <= size ||
                   (bundle->width < store::kTileWidth && bundle->index * store::kTileWidth + bundle->width <= size)
               ? std::optional(false)
               : std::nullopt;
  // The folder of a partial bundle stays: who saw it in a listing looks for it when it may be full.
  const auto whole = path.ends_with(".p") ? store::parse_bundle_path(path.substr(0, path.size() - 2)) : std::nullopt;
  if (whole && whole->index * store::kTileWidth < size) return true;
  return list_bundles(monitor, path).empty() ? std::nullopt : std::optional(true);
}

std::vector<store::BundleName> list_bundles(Monitor& monitor, const std::string& folder) {
  if (folder.ends_with(".p")) return list_partial(monitor, folder);
  return store::list_bundles(folder, covered(monitor), first_kept(monitor));
}

std::vector<store::BundleName> disk_entries(const Monitor& monitor, const Virtual& folder) {
  const bool drafts = folder.what == What::drafts;
  std::vector<store::BundleName> names;
  std::error_code error;
  std::filesystem::directory_iterator files(drafts ? monitor.folder() / "drafts" : folder.disk, error);
  if (error == std::errc::no_such_file_or_directory && folder.name.ends_with(".p"))  // full since it was opened
    return list_partial(monitor, folder.name.substr(kAuditFolder.size()));
  if (error) store::throw_errno("list " + folder.disk.string(), error.value());
  for (const auto& entry : files) {
    auto name = entry.path().filename().string();
    if (drafts && entry.path().extension() != ".kept") continue;
    if (drafts || entry.path().extension() == store::kPacked) name = entry.path().stem().string();
    if (entry.path().extension() == ".tmp") continue;  // half-written, and gone in a moment
    if (name[0] != '.') names.push_back({std::move(name), entry.is_directory()});
  }
  const auto order = [](const store::BundleName& item) {
    return std::pair(item.name == "checkpoint" ? 0
                     : item.name == "anchors"  ? 1
                     : item.name == "tile"     ? 2
                                               : 3,
                     item.name);
  };
  std::sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  const auto same = [](const auto& a, const auto& b) { return a.name == b.name; };  // just being compressed
  names.erase(std::unique(names.begin(), names.end(), same), names.end());
  return names;
}

std::optional<bool> find_past_tile(const Monitor& monitor, const std::string& path) {
  const bool folder = path.ends_with(".p");
  auto tile = store::parse_tile_path(folder ? path.substr(0, path.size() - 2) : path);
  if (!tile || folder != (tile->width == store::kTileWidth)) return std::nullopt;
  tile->width = store::kTileWidth;
  std::error_code error;
  if (!std::filesystem::exists(monitor.folder() / "audit" / store::tile_path(*tile), error)) return std::nullopt;
  return folder;
}

std::string bundle_text(Monitor& monitor, const std::string& path) {
  const auto audit = monitor.folder() / "audit";
  if (const auto bundle = store::parse_bundle_path(path)) return store::read_bundle(audit, *bundle);
  const auto tile = store::parse_tile_path(path);
  std::string bytes;
  for (const auto& hash : tile ? store::read_tile(audit, *tile) : std::vector<store::Hash>())
    bytes.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  return bytes;
}

store::Result<std::unique_ptr<VirtualFile>> open_bundle(Monitor& monitor, const Requester& who, const Virtual& file) {
  if (const auto allowed = monitor.open_report(who, store::kRoot, policy::Right::audit, virtual_path(monitor, file));
      !allowed)
    return Errno{allowed.error()};
  return open_string(bundle_text(monitor, file.name.substr(kAuditFolder.size())));
}

store::Result<std::unique_ptr<VirtualFile>> open_proof(Monitor& monitor, const Requester& who, const Virtual& file) {
  if (const auto allowed = monitor.open_report(who, file.artifact, policy::Right::read, virtual_path(monitor, file));
      !allowed)
    return Errno{allowed.error()};
  std::optional<store::Sequence> record;
  (void)monitor.report(who, [&](const auto& see) {
    if (const auto version = see.catalog.version({file.artifact, file.at})) record = version->commit;
    return std::string();
  });
  if (!record) return Errno{ENOENT};
  const bool with_line = monitor.may_open_report(who, file.artifact, policy::Right::audit);
  return open_string(store::to_text(proof_of(monitor, *record, with_line)));
}

}  // namespace ward::fs

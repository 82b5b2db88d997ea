// SPDX-License-Identifier: Apache-2.0
#include "store/prune.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "store/crypto.h"
#include "store/error.h"
#include "store/files.h"
#include "store/log_index.h"
#include "store/merkle.h"
#include "store/record_json.h"
#include "store/segment_text.h"
#include "store/snapshot.h"
#include "store/work_folder.h"

namespace ward::store {
namespace {

constexpr Sequence kFlushEvery = 100'000;  // bounds the memory of the catalog's long transaction

struct Stopped {};

void replay_to(const std::filesystem::path& store, Sequence boundary, Catalog& catalog,
               const std::function<bool()>& stop) {
  SnapshotProof proof(restore_start(store, catalog));
  const auto audit = store / "audit";
  read_range(audit, catalog.applied(), boundary, [&](Sequence sequence, std::string_view line) {
    catalog.apply(parse_line(line), hex(leaf_hash(line)));
    if (sequence % kFlushEvery != 0) return;
    catalog.flush();
    if (stop()) throw Stopped();
  });
  catalog.flush();
  // The record that vouches for the snapshot may stand behind the boundary.
  read_lines(audit, segments(audit).front().first, [&](Sequence, std::string_view line) {
    if (action_of(line) == "prune") proof.see(parse_line(line));
  });
  proof.finish();
}

std::filesystem::path opens_path(const std::filesystem::path& store) {
  return store / "opens";
}

void delete_file(const std::filesystem::path& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) throw_errno("delete " + file.string());
}

}  // namespace

Sequence prune_boundary(const std::filesystem::path& store, Nanos before, Sequence limit) {
  const auto all = segments(store / "audit");
  Sequence boundary = 0;
  for (std::size_t i = 0; i + 1 < all.size() && all[i + 1].first <= limit; ++i) {
    if (times_of(store / "index", all[i]).last >= before) break;
    boundary = all[i + 1].first;
  }
  return boundary;
}

std::optional<Prune> prepare_prune(const std::filesystem::path& store, Sequence boundary,
                                   const std::function<bool()>& stop) {
  const WorkFolder work(store / "prune.tmp");
  Catalog catalog(work.path() / "replayed.db");
  try {
    replay_to(store, boundary, catalog, stop);
  } catch (const Stopped&) {
    return std::nullopt;
  }
  boundary = catalog.applied();  // a crash may have left lines that were released before
  const auto written = write_snapshot(store, catalog);
  Catalog copy(work.path() / "restored.db");
  const auto read = restore_snapshot(store, boundary, copy);
  Hasher hasher;
  copy.dump([&](std::string_view line) { hasher.update(line.data(), line.size()); });
  if (read.sha256 != written.sha256 || hex(hasher.finish()) != written.sha256)
    throw Error(Code::corrupt, snapshot_path(store, boundary).string() + " doesn't tell what the log does");
  return Prune{boundary, written.sha256, written.size};
}

void keep_opens(const std::filesystem::path& store, Sequence boundary, std::vector<Sequence> handles) {
  std::ranges::sort(handles);
  std::string text;
  for (const Sequence handle : handles)
    if (const auto line = handle < boundary ? open_line(store, handle) : std::nullopt) text += *line + '\n';
  if (!text.empty() || std::filesystem::exists(opens_path(store))) write_durably(opens_path(store), text);
}

std::optional<std::string> open_line(const std::filesystem::path& store, Sequence handle) {
  const auto audit = store / "audit";
  const auto all = segments(audit);
  if (!all.empty() && handle >= all.front().first) return line_at(audit, handle);
  if (!std::filesystem::exists(opens_path(store))) return std::nullopt;
  const auto text = read_file(opens_path(store));
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    if (sequence_of(line) == handle) return std::string(line);
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return std::nullopt;
}

void forget_opens(const std::filesystem::path& store) {
  delete_file(opens_path(store));
}

void delete_pruned(const std::filesystem::path& store, Sequence boundary) {
  for (const auto& segment : segments(store / "audit")) {
    if (segment.first >= boundary) break;
    const auto plain = plain_name(segment.file);
    delete_file(plain);
    delete_file(plain.string() + std::string(kPacked));
    delete_file(store / "index" / (plain.stem().string() + ".idx"));
  }
  sync_folder(store / "audit");
  const auto kept = snapshot_path(store, boundary);
  for (const auto& entry : std::filesystem::directory_iterator(kept.parent_path()))
    if (entry.path().filename() < kept.filename()) delete_file(entry.path());
}

}  // namespace ward::store

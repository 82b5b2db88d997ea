// SPDX-License-Identifier: Apache-2.0
// The log, replayed: into a catalog, and into what else it says that the store holds.
#include "store/crypto.h"
#include "store/fsck_parts.h"
#include "store/merkle.h"
#include "store/record_json.h"
#include "store/segments.h"
#include "store/snapshot.h"

namespace ward::store {
namespace {

constexpr Sequence kFlushEvery = 100'000;  // bounds the memory of the catalog's long transaction

void expect(Expected& expected, const Sha256& sha256, std::optional<std::uint64_t> size, const std::string& named_by) {
  if (sha256.empty()) return;
  expected.objects[sha256] = {size, named_by, false};  // named again after a loss: it must be there again
}

std::string version_name(const std::string& path, std::uint64_t version) {
  return path + " v" + std::to_string(version);
}

/// One overload for each payload that names something outside the catalog.
struct Note {
  Expected& expected;
  const Record& record;
  void operator()(const Commit& commit) const {
    expect(expected, commit.sha256, commit.size, version_name(record.path, commit.version));
  }
  void operator()(const Rename& rename) const {
    if (rename.saved)
      expect(expected, rename.saved->sha256, rename.saved->size, version_name(rename.to_path, rename.saved->version));
  }
  void operator()(const PolicyChange& policy) const {
    expect(expected, policy.sha256, policy.size, "policy " + std::to_string(policy.number));
  }
  void operator()(const SetXattr& xattr) const {
    expect(expected, xattr.sha256, std::nullopt, record.path + ", attribute " + xattr.name);
  }
  void operator()(const VersionLost& lost) const {
    if (const auto found = expected.objects.find(lost.sha256); found != expected.objects.end())
      found->second.lost = true;
  }
  void operator()(const Anchor& run) const {
    if (!run.sha256.empty()) expected.anchors[std::filesystem::path(record.path).filename().string()] = run.sha256;
  }
  void operator()(const Publish& publish) const { expected.published = publish; }
  template <class Other>
  void operator()(const Other&) const {}
};

Record apply(Catalog& catalog, Expected& expected, Sequence sequence, std::string_view line) {
  try {
    auto record = parse_line(line);
    catalog.apply(record, hex(leaf_hash(line)));
    std::visit(Note{expected, record}, record.payload);
    return record;
  } catch (const Error& error) {
    if (error.code() != Code::corrupt && error.code() != Code::format) throw;
    throw Error(error.code(), "record " + std::to_string(sequence) + " can't be replayed: " + error.what());
  }
}

}  // namespace

Expected replay(const std::filesystem::path& store, Catalog& catalog, const Progress& progress) {
  Expected expected;
  SnapshotProof proof(restore_start(store, catalog));
  for (const auto& sha256 : catalog.objects()) expect(expected, sha256, std::nullopt, "the snapshot");
  if (const auto commit = catalog.last_published(); !commit.empty()) expected.published = Publish{0, 0, "", commit};
  std::uint64_t total = 0, done = 0;
  for (const auto& segment : segments(store / "audit")) total += segment.bytes;
  read_lines(store / "audit", catalog.applied(), [&](Sequence sequence, std::string_view line) {
    proof.see(apply(catalog, expected, sequence, line));
    expected.records = sequence + 1;
    if (expected.records % kFlushEvery == 0) catalog.flush();
    done += line.size() + 1;
    if (progress) progress("replaying the log (bytes)", done, total);
  });
  catalog.flush();
  proof.finish();
  expected.whole = true;
  return expected;
}

}  // namespace ward::store

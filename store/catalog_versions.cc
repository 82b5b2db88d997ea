// SPDX-License-Identifier: Apache-2.0
// Questions about versions and what they were made from.
#include "store/catalog_impl.h"

namespace ward::store {

std::optional<Version> Catalog::Impl::load_version(VersionRef ref) {
  Version v;
  {
    auto rows = db.query(
        "SELECT artifact, version, \"commit\", time, mtime, sha256, size, base, final, concurrent, recovered, lost>0, "
        "uid, login, user, login_name, executable, stage, rule, mode, until, purge_after, labels FROM version "
        "WHERE artifact=? AND version=?",
        ref.artifact, ref.version);
    if (!rows.next()) return std::nullopt;
    rows.into(v.ref.artifact, v.ref.version, v.commit, v.time, v.mtime, HexInto{v.sha256}, v.size, v.base, v.final,
              v.concurrent, v.recovered, v.lost, v.uid, v.login, v.user, v.login_name, v.executable, v.stage,
              v.retain.rule, v.retain.mode, v.retain.until, v.retain.purge_after);
    v.labels = unpack_labels(rows.view(22));
  }
  auto authors = db.query("SELECT uid, login, bytes FROM author WHERE artifact=? AND version=? ORDER BY position",
                          ref.artifact, ref.version);
  while (authors.next()) {
    auto& a = v.authors.emplace_back();
    authors.into(a.uid, a.login, a.bytes);
  }
  auto amended = db.query("SELECT sha256 FROM amended WHERE artifact=? AND version=? ORDER BY \"commit\"", ref.artifact,
                          ref.version);
  while (amended.next()) amended.into(HexInto{v.amended.emplace_back()});
  return v;
}

std::optional<Version> Catalog::version(VersionRef ref) const {
  return impl_->load_version(ref);
}

std::vector<Version> Catalog::versions(Id artifact) const {
  std::vector<Version> all;
  auto rows = impl_->db.query("SELECT version FROM version WHERE artifact=? ORDER BY version", artifact);
  while (rows.next()) {
    VersionRef ref{artifact, 0};
    rows.into(ref.version);
    all.push_back(*impl_->load_version(ref));
  }
  return all;
}

std::uint64_t Catalog::versions_made(Id artifact) const {
  const auto node = impl_->find(artifact);
  return node ? node->versions : 0;
}

std::vector<std::string> Catalog::version_labels(VersionRef ref) const {
  auto rows = impl_->db.query("SELECT labels FROM version WHERE artifact=? AND version=?", ref.artifact, ref.version);
  if (!rows.next()) return {};
  return unpack_labels(rows.view(0));
}

std::vector<Input> Catalog::inputs(VersionRef ref) const {
  auto rows = impl_->db.query(
      "SELECT of_artifact, of_version, basis, confidence FROM input WHERE artifact=? AND version=? ORDER BY position",
      ref.artifact, ref.version);
  std::vector<Input> all;
  while (rows.next()) {
    auto& i = all.emplace_back();
    rows.into(i.of.artifact, i.of.version, i.basis, i.confidence);
  }
  return all;
}

std::vector<std::pair<VersionRef, Input>> Catalog::outputs(VersionRef ref) const {
  auto rows = impl_->db.query(
      "SELECT artifact, version, basis, confidence FROM input WHERE of_artifact=? AND of_version=? "
      "ORDER BY artifact, version, position",
      ref.artifact, ref.version);
  std::vector<std::pair<VersionRef, Input>> all;
  while (rows.next()) {
    auto& [made, input] = all.emplace_back();
    rows.into(made.artifact, made.version, input.basis, input.confidence);
    input.of = ref;
  }
  return all;
}

}  // namespace ward::store

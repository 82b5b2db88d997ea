// SPDX-License-Identifier: Apache-2.0
// For the tests of the catalog: a log that is written by hand and applied as it grows.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "store/catalog.h"
#include "store/crypto.h"
#include "tests/temp_dir.h"

namespace ward::tests {

using namespace ward::store;

/// Some object's name: the hash of `text`.
inline Sha256 sha(const std::string& text) {
  return hex(sha256(text));
}
/// Leaf hash of a record; any function of the sequence will do here.
inline std::string leaf(Sequence sequence) {
  return sha("leaf " + std::to_string(sequence));
}

constexpr Nanos kEpoch = 1'700'000'000'000'000'000;

class Story {
 public:
  Story() : catalog_(std::make_unique<Catalog>(database())) {
    LogStart start;
    start.origin = "host/ward/test";
    does(start);
    folder({}, "", "/");
  }

  std::filesystem::path database() const { return dir_.path() / "catalog.db"; }
  Catalog& catalog() { return *catalog_; }
  const std::vector<Record>& log() const { return log_; }
  Sequence next() const { return log_.size(); }
  Nanos time(Sequence sequence) const { return log_.at(sequence).time; }

  /// Appends a record, one millisecond after the last, and applies it. Returns its sequence.
  Sequence does(Payload payload, const std::string& path = "", const std::string& user = "alice") {
    Record r;
    r.sequence = next();
    r.time = kEpoch + static_cast<Nanos>(r.sequence) * 1'000'000;
    r.user = {1000, user, 100, 1000, user};
    r.process = {42, "51d2e0b4", "/usr/bin/cp"};
    r.path = path;
    r.payload = std::move(payload);
    log_.push_back(r);
    catalog_->apply(r, leaf(r.sequence));
    return r.sequence;
  }

  Id create(Create p, const std::string& path = "") {
    if (p.artifact == 0) p.artifact = next();
    return does(p, path), p.artifact;
  }
  Id folder(Id dir, const std::string& name, const std::string& path = "") {
    Create p;
    p.at = {dir, name};
    p.kind = Kind::folder;
    p.mode = 0755;
    return create(p, path.empty() ? "/" + name : path);
  }
  Id file(Id dir, const std::string& name, bool scratch = false) {
    Create p;
    p.at = {dir, name};
    p.mode = 0644, p.uid = 1000, p.gid = 100;
    p.scratch = scratch;
    return create(p, "/" + name);
  }
  static Commit version(Id artifact, std::uint64_t number, const std::string& bytes) {
    Commit p;
    p.artifact = artifact;
    p.version = number;
    p.base = number - 1;
    p.sha256 = sha(bytes);
    p.size = bytes.size();
    p.mtime = kEpoch + 7;
    p.final = true;
    return p;
  }
  Sequence save(Id artifact, std::uint64_t number, const std::string& bytes) {
    return does(version(artifact, number, bytes), "/saved");
  }
  Sequence remove(Id artifact, const Place& at, std::uint64_t names_left = 0) {
    Delete p;
    p.artifact = artifact;
    p.at = at;
    p.names_left = names_left;
    return does(p, "/" + at.name);
  }
  static Rename rename(Id artifact, const Place& from, const Place& to) {
    Rename p;
    p.artifact = artifact;
    p.from = from;
    p.to = to;
    p.to_path = "/" + to.name;
    return p;
  }
  Sequence move(const Rename& p) { return does(p, "/" + p.from.name); }

  /// Drops the catalog as a crash would: what wasn't flushed is gone.
  void crash() {
    catalog_.reset();
    catalog_ = std::make_unique<Catalog>(database());
  }
  /// Applies what the catalog lacks of the log.
  void replay() {
    while (catalog_->applied() < log_.size()) {
      const auto& record = log_[catalog_->applied()];
      catalog_->apply(record, leaf(record.sequence));
    }
  }
  /// The dump of a new catalog that saw the whole log.
  std::string rebuilt() const {
    const TempDir fresh;
    Catalog other(fresh.path() / "catalog.db");
    for (const auto& record : log_) other.apply(record, leaf(record.sequence));
    return other.dump();
  }

 private:
  TempDir dir_;
  std::unique_ptr<Catalog> catalog_;
  std::vector<Record> log_;
};

inline std::vector<std::string> names_of(const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const auto& e : entries) names.push_back(e.name);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace ward::tests

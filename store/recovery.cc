// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "store/error.h"
#include "store/merkle.h"
#include "store/prune.h"
#include "store/record_json.h"
#include "store/requester.h"
#include "store/segments.h"
#include "store/snapshot.h"
#include "store/times.h"

namespace ward::store {
namespace {

std::string leaf_of(std::string_view line) {
  return hex(leaf_hash(line));
}

void remove_catalog(const std::filesystem::path& file) {
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((file.string() + suffix).c_str());
}

void discard(const std::filesystem::path& file, const std::string& cause) {
  std::fprintf(stderr, "ward: rebuilding %s from the log: %s\n", file.c_str(), cause.c_str());
  remove_catalog(file);
}

std::unique_ptr<Catalog> open_or_discard(const std::filesystem::path& file) {
  try {
    return std::make_unique<Catalog>(file);
  } catch (const Error& error) {
    if (error.code() != Code::corrupt && error.code() != Code::format) throw;
    discard(file, error.what());
    return std::make_unique<Catalog>(file);
  }
}

/// Whether the catalog is a prefix of this very log.
bool belongs(const Catalog& catalog, const AuditLog& log, const std::filesystem::path& audit) {
  const auto applied = catalog.applied();
  const auto all = segments(audit);
  const Sequence first = all.empty() ? 0 : all.front().first;
  if (applied == 0) return first == 0;  // else it is to begin with the snapshot, and may hold half of one
  if (applied > log.size()) return false;
  if (applied <= first) return false;  // the line that would show it was pruned
  return catalog.applied_leaf() == leaf_of(line_at(audit, applied - 1));
}

}  // namespace

void catch_up(const std::filesystem::path& audit, Catalog& catalog) {
  const auto all = segments(audit);
  const bool pruned = !all.empty() && catalog.applied() == 0 && all.front().first != 0;
  SnapshotProof proof(pruned ? restore_start(audit.parent_path(), catalog) : Snapshot());
  read_lines(audit, catalog.applied(), [&](Sequence sequence, std::string_view line) {
    try {
      const auto record = parse_line(line);
      catalog.apply(record, leaf_of(line));
      proof.see(record);
    } catch (const Error& error) {
      throw Error(error.code(), "record " + std::to_string(sequence) + " can't be replayed: " + error.what() +
                                    "; run: ward fsck " + audit.parent_path().string());
    }
  });
  proof.finish();
}

std::unique_ptr<Catalog> open_catalog(const std::filesystem::path& store, const AuditLog& log) {
  const auto file = store / "catalog.db";
  const auto audit = store / "audit";
  auto catalog = open_or_discard(file);
  if (!belongs(*catalog, log, audit)) {
    catalog.reset();
    discard(file, "it is not a projection of this log");
    catalog = std::make_unique<Catalog>(file);
  }
  const bool empty = catalog->applied() == 0;
  try {
    catch_up(audit, *catalog);
  } catch (const Error&) {
    catalog.reset();
    if (empty) remove_catalog(file);  // it may hold a snapshot for which no record vouches
    throw;
  }
  return catalog;
}

void observe_unpublished(const std::filesystem::path& audit, Sequence from, Publisher& publisher) {
  const auto all = segments(audit);
  const Sequence first = all.empty() ? 0 : all.front().first;  // what was pruned was published
  read_lines(audit, std::max(from, first),
             [&](Sequence, std::string_view line) { publisher.observe(parse_line(line)); });
}

Recovery::Recovery(std::filesystem::path store, ObjectStore& objects, const Slots& slots, const AuditLog& log,
                   Catalog& catalog, Ledger& ledger)
    : store_(std::move(store)), objects_(objects), slots_(slots), log_(log), catalog_(catalog), ledger_(ledger) {}

void Recovery::run() {
  report_.cut_bytes = log_.cut_bytes();
  drain_slots();
  forget_opens(store_);
  for (const OpenDraft& draft : catalog_.drafts()) settle(draft);
  check_objects();
  tidy_scratch();
  if (report_ == Recover{}) return;
  Record record;
  const auto self = Requester::self();
  record.user = self.user(), record.process = self.process(), record.path = "/", record.payload = report_;
  ledger_.append(std::span(&record, 1), AuditLog::Space::reserved);
}

void Recovery::drain_slots() {
  for (const SlotContent& content : slots_.left_behind()) {
    Record opened;
    if (content.key.handle < log_.size())
      if (const auto line = open_line(store_, content.key.handle)) opened = parse_line(*line);
    Record record;
    record.user = opened.user, record.process = opened.process, record.path = opened.path,
    record.policy = opened.policy, record.rule = opened.rule;
    std::uint64_t bytes = 0;
    for (const Range& range : content.ranges) bytes += range.length;
    Sha256 sha256;
    if (const auto* open = std::get_if<Open>(&opened.payload)) sha256 = open->sha256;
    if (content.key.writes) {
      record.payload = Write{
          content.key.artifact, content.key.handle, content.key.draft, content.part, true, content.requests, bytes,
          content.ranges};
    } else {
      record.payload = Read{content.key.artifact,
                            content.key.version,
                            sha256,
                            content.key.handle,
                            content.part,
                            true,
                            content.requests,
                            bytes,
                            content.ranges};
    }
    ledger_.append(std::span(&record, 1), AuditLog::Space::reserved);
    ++report_.slots;
  }
}

void Recovery::append(const OpenDraft& draft, const std::string& path, Payload payload) {
  Record record;
  record.user = draft.user, record.process = draft.process, record.path = path, record.payload = std::move(payload);
  ledger_.append(std::span(&record, 1), AuditLog::Space::reserved);
}

void Recovery::settle(const OpenDraft& draft) {
  const auto file = store_ / "drafts" / std::to_string(draft.draft);
  const auto inode = catalog_.inode(draft.artifact);
  struct stat st {};
  const bool exists = ::stat(file.c_str(), &st) == 0;
  bool is_object = false;
  if (exists && inode && draft.sealed)
    if (struct stat object{}; ::stat(objects_.path(inode->sha256).c_str(), &object) == 0)
      is_object = object.st_ino == st.st_ino;
  if (exists && !is_object && draft.synced && inode && inode->nlink > 0) return seal(draft, file, *inode);
  keep(draft, file, exists && !is_object);
}

/// fsync said that these bytes are safe, so they are the next version.
void Recovery::seal(const OpenDraft& draft, const std::filesystem::path& file, const Inode& inode) {
  const Fd fd = open_file(file, O_RDWR);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) throw_errno("stat " + file.string());
  const auto size = static_cast<std::uint64_t>(st.st_size);
  Commit commit;
  commit.artifact = inode.id, commit.prev = inode.last, commit.draft = draft.draft;
  commit.version =
      catalog_.versions_made(inode.id) + 1;  // never an amendment: what was sealed before may have been read
  commit.base = draft.base;
  const auto content = hash_content(fd.get(), size, file);
  commit.sha256 = content.sha256;
  commit.size = size, commit.mtime = nanos_of(st.st_mtim);
  commit.final = true, commit.recovered = true;
  commit.authors = {{draft.user.id, draft.user.login, size}};
  commit.stage = inode.stage.empty() ? "training" : inode.stage, commit.labels = inode.labels;
  commit.executable = (inode.mode & 0111) != 0;
  objects_.adopt(file, fd.get(), content, size);
  objects_.sync(commit.sha256);
  append(draft, catalog_.path(inode.home), commit);
  ::unlink(file.c_str());
  ++report_.drafts_sealed;
}

void Recovery::keep(const OpenDraft& draft, const std::filesystem::path& file, bool has_bytes) {
  const auto inode = catalog_.inode(draft.artifact);
  const std::string path = inode && inode->nlink > 0 ? catalog_.path(inode->home) : "";
  if (has_bytes) {
    std::filesystem::rename(file, file.string() + ".kept");
    ++report_.drafts_kept;
  } else {
    ::unlink(file.c_str());
  }
  if (draft.sealed && inode) append(draft, path, Finalise{draft.artifact, draft.draft, draft.version, inode->sha256});
  if (!draft.sealed || has_bytes)
    append(draft, path,
           Abandon{draft.artifact, draft.draft, has_bytes, inode && (inode->mode & 0111) != 0,
                   has_bytes ? "crash" : "unwritten"});
}

/// Current versions that the log names but the disk lost (a power cut): the name falls back to the version before.
void Recovery::check_objects() {
  std::vector<Id> touched;
  // What the last checkpoint covers was on disk, objects first.
  const auto text = log_.checkpoint_text();
  const Sequence from = text.empty() ? 0 : std::stoull(text.substr(text.find('\n') + 1));
  read_lines(store_ / "audit", from, [&](Sequence, std::string_view line) {
    const auto record = parse_line(line);
    if (const auto* commit = std::get_if<Commit>(&record.payload)) touched.push_back(commit->artifact);
    if (const auto* rename = std::get_if<Rename>(&record.payload); rename != nullptr && rename->saved)
      touched.push_back(rename->artifact);
  });
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const Id id : touched) {
    for (auto inode = catalog_.inode(id); inode && inode->version != 0 && !objects_.has(inode->sha256, inode->size);
         inode = catalog_.inode(id)) {
      std::uint64_t fallback = 0;
      for (const Version& version : catalog_.versions(id))
        if (version.ref.version < inode->version && !version.lost) fallback = version.ref.version;
      OpenDraft self;
      const auto daemon = Requester::self();
      self.user = daemon.user(), self.process = daemon.process();
      append(self, catalog_.path(inode->home), VersionLost{id, inode->last, inode->version, fallback, inode->sha256});
    }
  }
}

/// Scratch files whose name went in the very moment of the crash.
void Recovery::tidy_scratch() {
  for (const auto& entry : std::filesystem::directory_iterator(store_ / "drafts")) {
    const auto name = entry.path().filename().string();
    if (name.size() < 2 || name[0] != 's' || name.find_first_not_of("0123456789", 1) != std::string::npos) continue;
    const auto inode = catalog_.inode(std::stoull(name.substr(1)));
    if (!inode || !inode->scratch || inode->nlink == 0) ::unlink(entry.path().c_str());
  }
}

}  // namespace ward::store

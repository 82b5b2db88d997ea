// SPDX-License-Identifier: Apache-2.0
#include "fs/virtual_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "fs/virtual_log.h"
#include "store/error.h"
#include "store/files.h"
#include "store/reports.h"
#include "store/segment_text.h"

namespace ward::fs {
namespace {

using policy::Right;
using store::Monitor;
using store::Requester;
using Sight = Monitor::Sight;

std::string why_text(Monitor& monitor, const Requester& who) {
  std::string text;
  const auto refusals = monitor.why(who.uid());
  for (auto it = refusals.rbegin(); it != refusals.rend(); ++it) {
    if (!text.empty()) text += "\n";
    text += it->text + "\nrecord " + std::to_string(it->sequence) + "\n";
  }
  return text.empty() ? "nothing was refused to you since this mount began\n" : text;
}

class Text : public VirtualFile {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::string read(std::uint64_t offset, std::size_t size) override {
    const std::scoped_lock lock(mutex_);
    return offset < text_.size() ? text_.substr(offset, size) : std::string();
  }
  store::Status write(std::uint64_t, std::string_view) override { return store::Errno{EBADF}; }
  store::Status truncate(std::uint64_t) override { return store::Errno{EINVAL}; }
  store::Status flush() override { return store::Done{}; }

 protected:
  std::mutex mutex_;
  std::string text_;  // guarded by mutex_
};

/// policy.toml: the whole text takes effect when it is closed.
class PolicyFile : public Text {
 public:
  PolicyFile(Monitor& monitor, Requester who, std::string text)
      : Text(std::move(text)), monitor_(monitor), who_(std::move(who)) {}
  store::Status write(std::uint64_t offset, std::string_view bytes) override {
    constexpr std::uint64_t kLargest = 1 << 20;
    if (offset + bytes.size() > kLargest) return store::Errno{EFBIG};
    const std::scoped_lock lock(mutex_);
    if (text_.size() < offset + bytes.size()) text_.resize(offset + bytes.size());
    std::copy(bytes.begin(), bytes.end(), text_.begin() + static_cast<std::ptrdiff_t>(offset));
    written_ = true;
    return store::Done{};
  }
  store::Status truncate(std::uint64_t size) override {
    const std::scoped_lock lock(mutex_);
    if (size > text_.size()) return store::Errno{EINVAL};
    text_.resize(size);
    return store::Done{};
  }
  store::Status flush() override {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(written_, false)) return store::Done{};
    const auto result = monitor_.replace_policy(who_, text_);
    if (result.error != 0) return store::Errno{result.error};
    return store::Done{};
  }

 private:
  Monitor& monitor_;
  Requester who_;
  bool written_ = false;
};

/// stage: each write is one value and takes effect at once, so that echo sees the refusal.
class StageFile : public Text {
 public:
  StageFile(Monitor& monitor, Requester who, store::Id artifact, std::string text)
      : Text(std::move(text)), monitor_(monitor), who_(std::move(who)), artifact_(artifact) {}
  store::Status write(std::uint64_t, std::string_view bytes) override {
    while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == ' ')) bytes.remove_suffix(1);
    return monitor_.set_stage(who_, artifact_, std::string(bytes));
  }
  store::Status truncate(std::uint64_t) override { return store::Done{}; }

 private:
  Monitor& monitor_;
  Requester who_;
  store::Id artifact_;
};

/// A file of the store, read-only.
class DiskFile : public VirtualFile {
 public:
  explicit DiskFile(std::filesystem::path path) : path_(std::move(path)), fd_(store::open_file(path_, O_RDONLY)) {}
  std::string read(std::uint64_t offset, std::size_t size) override {
    std::string bytes(size, '\0');
    bytes.resize(store::read_at(fd_.get(), bytes.data(), size, offset, path_));
    return bytes;
  }
  store::Status write(std::uint64_t, std::string_view) override { return store::Errno{EBADF}; }
  store::Status truncate(std::uint64_t) override { return store::Errno{EINVAL}; }
  store::Status flush() override { return store::Done{}; }

 private:
  std::filesystem::path path_;
  store::Fd fd_;
};

/// A segment of the log: its text, whole lines only.
class SegmentLines : public VirtualFile {
 public:
  explicit SegmentLines(const std::filesystem::path& file) : text_(file) {}
  std::string read(std::uint64_t offset, std::size_t size) override {
    const std::scoped_lock lock(mutex_);
    const auto end = text_.whole_lines();
    return offset >= end ? std::string() : text_.read(std::min<std::uint64_t>(size, end - offset), offset);
  }
  store::Status write(std::uint64_t, std::string_view) override { return store::Errno{EBADF}; }
  store::Status truncate(std::uint64_t) override { return store::Errno{EINVAL}; }
  store::Status flush() override { return store::Done{}; }

 private:
  std::mutex mutex_;
  store::SegmentText text_;  // guarded by it
};

}  // namespace

const std::vector<TextFile>& text_files() {
  static const std::vector<TextFile> files{
      {"info.json", true, true, true, Right::read, false, false},
      {"history", true, true, true, Right::read, false, false},
      {"versions.txt", true, false, false, Right::read, false, false},
      {"stage", true, false, false, Right::read, false, true},
      {"lineage.txt", true, false, false, Right::read, false, false},
      {"lineage.json", true, false, false, Right::read, false, false},
      {"retention", true, false, false, Right::read, false, false},
      {"audit.jsonl", true, true, false, Right::audit, false, false},
      {"policy.toml", false, false, true, Right::read, true, true},
      {"why", false, false, true, Right::read, true, false},
      {"status", false, false, true, Right::read, true, false},
  };
  return files;
}

const TextFile* text_file(const std::string& name) {
  for (const auto& file : text_files())
    if (name == file.name) return &file;
  return nullptr;
}

std::string render(Monitor& monitor, const Requester& who, const Virtual& file) {
  const auto id = file.artifact;
  if (file.name == "why") return why_text(monitor, who);
  if (file.name == "status") return monitor.status();
  if (file.name == "policy.toml") return monitor.policy_text();
  return monitor.report(who, [&](const Sight& see) -> std::string {
    const auto inode = see.catalog.inode(id);
    const store::VersionRef current{id, inode ? inode->version : 0};
    if (file.name == "info.json") return store::info_json(see.catalog, id, see.visible);
    if (file.name == "history") return store::history_text(see.catalog, id);
    if (file.name == "versions.txt") return store::versions_table(see.catalog, id);
    if (file.name == "stage") return store::stage_text(see.catalog, id);
    if (file.name == "lineage.txt") return store::lineage_text(see.catalog, current, see.visible);
    if (file.name == "lineage.json") return store::lineage_json(see.catalog, current, see.visible);
    return store::retention_text(see.catalog, id, see.policy, store::now());
  });
}

store::Result<std::unique_ptr<VirtualFile>> open_text(Monitor& monitor, const Requester& who, const Virtual& file,
                                                      int flags) {
  const auto* kind = text_file(file.name);
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (writes && !kind->writable)
    return monitor.deny(who, "open", file.artifact, virtual_path(monitor, file), EACCES, "it tells, it can't be told");
  // At once rather than at the close: nobody hears what a close says, and nobody else's text is kept until then.
  if (writes && file.name == "policy.toml")
    if (const auto allowed = monitor.open_report(who, file.artifact, Right::administer, virtual_path(monitor, file));
        !allowed)
      return store::Errno{allowed.error()};
  if (!kind->open_to_all && !(writes && (flags & O_ACCMODE) == O_WRONLY))
    if (const auto allowed = monitor.open_report(who, file.artifact, kind->right, virtual_path(monitor, file));
        !allowed)
      return store::Errno{allowed.error()};
  std::unique_ptr<VirtualFile> opened;
  if (file.name == "audit.jsonl") {
    opened = open_records(monitor, who, file.artifact);
  } else if (writes && file.name == "policy.toml") {
    opened = std::make_unique<PolicyFile>(monitor, who, (flags & O_TRUNC) != 0 ? "" : render(monitor, who, file));
  } else if (writes) {
    opened = std::make_unique<StageFile>(monitor, who, file.artifact, render(monitor, who, file));
  } else {
    opened = std::make_unique<Text>(render(monitor, who, file));
  }
  return opened;
}

std::unique_ptr<VirtualFile> open_string(std::string text) {
  return std::make_unique<Text>(std::move(text));
}

std::unique_ptr<VirtualFile> open_disk(const std::filesystem::path& file) {
  if (file.extension() == ".jsonl") return std::make_unique<SegmentLines>(file);
  return std::make_unique<DiskFile>(file);
}

std::uint64_t disk_size(const std::filesystem::path& file) {
  if (file.extension() == ".jsonl") return store::SegmentText(file).whole_lines();
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) store::throw_errno("stat " + file.string(), error.value());
  return size;
}

}  // namespace ward::fs

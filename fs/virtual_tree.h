// SPDX-License-Identifier: Apache-2.0
// The virtual tree: what stands behind `PATH@@/` (INTERFACE.md lists it). It only renders and translates; deciding and
// recording is the monitor's business, as for real files.
#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fs/nodes.h"
#include "store/monitor.h"

namespace ward::fs {

enum class What {
  governance,   // PATH@@: a folder
  text,         // a rendered file, `name` says which
  versions,     // PATH@@/versions
  at,           // DIR@@/at
  past,         // DIR@@/at/<when>/…: a folder as it was just after record `at`
  past_link,    // a symlink there
  deleted,      // DIR@@/deleted
  drafts,       // MOUNT/@@/drafts
  disk_folder,  // MOUNT/@@/audit and below: files of the store's audit folder
  disk_file,    // … and of drafts/
  bundles,      // MOUNT/@@/audit/tile/entries and below
  bundle,       // an entry bundle there
  proof,        // PATH@@/versions/N.proof; `at` is N
  log_report,   // MOUNT/@@/audit/<day>.tsv, mine.jsonl
  find,         // MOUNT/@@/audit/find: a folder
  answer,       // MOUNT/@@/audit/find/<question>
};

/// Where a virtual node stands. Immutable.
struct Virtual {
  What what = What::governance;
  store::Id artifact = 0;  // whose governance it is; of `past` the folder or symlink
  store::Sequence at = 0;
  std::string name;
  std::filesystem::path disk;
};

struct VirtualEntry {
  std::string name;
  std::shared_ptr<Node> node;  // null in listings: then only the type in attr counts
  struct stat attr {};
};

/// An open virtual file.
class VirtualFile {
 public:
  virtual ~VirtualFile() = default;
  virtual std::string read(std::uint64_t offset, std::size_t size) = 0;
  virtual store::Status write(std::uint64_t offset, std::string_view bytes) = 0;
  virtual store::Status truncate(std::uint64_t size) = 0;
  /// A close: acts on what was written.
  virtual store::Status flush() = 0;
};

/// Thread-safe: it has no state but what it refers to.
class VirtualTree {
 public:
  VirtualTree(store::Monitor& monitor, Nodes& nodes) : monitor_(monitor), nodes_(nodes) {}

  /// PATH@@ of an inode.
  VirtualEntry governance(store::Id artifact);
  store::Result<VirtualEntry> lookup(const store::Requester& who, const Virtual& folder, const std::string& name);
  store::Result<std::vector<VirtualEntry>> list(const store::Requester& who, const Virtual& folder);
  struct stat stat(const store::Requester& who, const Node& node);
  store::Result<std::string> target(const Virtual& link);
  store::Result<std::unique_ptr<VirtualFile>> open(const store::Requester& who, const Virtual& file, int flags);
  /// The deleted artifact that `name` means in DIR@@/deleted.
  store::Result<store::Id> deleted(const Virtual& folder, const std::string& name);

 private:
  VirtualEntry enter(const store::Requester& who, const std::string& name, Virtual virtual_path);
  store::Result<VirtualEntry> alias(const store::Requester& who, const std::string& name, store::Id artifact,
                                    std::uint64_t version);
  store::Status walk_into(const store::Requester& who, const Virtual& folder, const std::string& name);
  store::Result<VirtualEntry> in_past(const store::Requester& who, const Virtual& folder, const std::string& name);
  store::Result<VirtualEntry> on_disk(const store::Requester& who, const Virtual& folder, const std::string& name);
  std::optional<store::Sequence> moment(const std::string& when) const;
  std::vector<std::string> children(const Virtual& folder) const;
  store::Status may_list(const store::Requester& who, const Virtual& folder);
  bool is_folder(store::Id artifact) const;

  store::Monitor& monitor_;
  Nodes& nodes_;
};

/// The path of a virtual node for the audit log: "/models/m.bin@@/history".
std::string virtual_path(const store::Monitor& monitor, const Virtual& node);

}  // namespace ward::fs

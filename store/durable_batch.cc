// SPDX-License-Identifier: Apache-2.0
// See durable_batch.h. The first fsync commits the file system's journal with everything that was written before it,
// so the others find their work done: all files are written before any is synced.
#include "store/durable_batch.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/error.h"

namespace ward::store {
namespace {

// Makes `folder` and its missing parents; adds the folders that got a new entry to `changed`.
void make_folders(const std::filesystem::path& folder, std::set<std::filesystem::path>& changed) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return;
  make_folders(folder.parent_path(), changed);
  std::filesystem::create_directory(folder, error);
  if (error) throw_errno("mkdir " + folder.string(), error.value());
  changed.insert(folder.parent_path());
}

}  // namespace

void DurableBatch::add(const std::filesystem::path& path, std::string_view bytes) {
  const auto folder = path.parent_path();
  if (folders_.insert(folder).second) make_folders(folder, folders_);
  const std::filesystem::path temp = path.string() + ".tmp";
  files_.push_back({open_file(temp, O_WRONLY | O_CREAT | O_TRUNC), temp, path});
  write_all(files_.back().fd.get(), bytes, temp);
}

void DurableBatch::commit() {
  for (const auto& file : files_) {
    if (::fsync(file.fd.get()) != 0) throw_errno("fsync " + file.temp.string());
  }
  for (const auto& file : files_) {
    if (::rename(file.temp.c_str(), file.path.c_str()) != 0) throw_errno("rename " + file.temp.string());
  }
  for (const auto& folder : folders_) sync_folder(folder);
  files_.clear();
  folders_.clear();
}

DurableBatch::~DurableBatch() {
  for (const auto& file : files_) ::unlink(file.temp.c_str());
}

}  // namespace ward::store

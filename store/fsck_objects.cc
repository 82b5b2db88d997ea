// SPDX-License-Identifier: Apache-2.0
// Every object's bytes have the SHA-256 that is its name, and everything that the log names is there.
#include <fcntl.h>

#include "store/fsck_parts.h"
#include "store/object_store.h"

namespace ward::store {
namespace {

namespace fs = std::filesystem;

bool is_sha256(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// All files below a folder; a folder that isn't there has none.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
    if (!entry->is_directory()) files.push_back(entry->path());
  if (error && error != std::errc::no_such_file_or_directory) throw_errno("list " + folder.string(), error.value());
  return files;
}

void check_stray(const fs::path& file, FsckReport& report) {
  const auto extension = file.extension();
  if (extension == ".tmp")
    report.findings.push_back({Severity::note, file.string() + ": left by an interrupted write", "it may be deleted"});
  else if (extension == ".damaged")
    report.findings.push_back({Severity::note, file.string() + ": a damaged object that a later save replaced",
                               "it may be deleted once nobody needs to look into what damaged it"});
  else
    report.findings.push_back({Severity::warning, file.string() + ": not an object", "find out who put it there"});
}

const char* kRestore = "put the right bytes back from a backup or a clone; their SHA-256 is the object's name";

void check_object(const fs::path& file, const Expected::Object* expected, FsckReport& report) {
  const auto name = file.filename().string();
  const auto used_by = expected == nullptr ? std::string() : " (" + expected->named_by + ")";
  const bool lost = expected != nullptr && expected->lost;  // the log knows, and nothing shows it any more
  const char* advice = lost ? "its version is recorded as lost; put the right bytes back or leave it" : kRestore;
  guarded(report, lost ? Severity::note : Severity::error, advice, [&] {
    const Fd fd = open_file(file, O_RDONLY);
    const auto size = fs::file_size(file);
    if (hash_file(fd.get(), size, file) != name)
      throw Error(Code::corrupt, "object " + name + used_by + ": its bytes have another SHA-256");
    if (expected != nullptr && expected->size && *expected->size != size)
      throw Error(Code::corrupt, "object " + name + used_by + ": the log says another size");
    report.bytes += size;
    ++report.objects;
  });
}

}  // namespace

void check_objects(const fs::path& store, const Expected& expected, FsckReport& report, const Progress& progress) {
  const auto folder = store / "history.git" / "lfs" / "objects";
  const ObjectStore objects(folder);
  const auto files = files_below(folder);
  std::uint64_t unnamed = 0, done = 0, present = 0;
  for (const auto& file : files) {
    if (progress) progress("checking objects", ++done, files.size());
    const auto name = file.filename().string();
    if (!is_sha256(name) || objects.path(name) != file) {
      check_stray(file, report);
      continue;
    }
    const auto found = expected.objects.find(name);
    found == expected.objects.end() ? ++unnamed : ++present;
    check_object(file, found == expected.objects.end() ? nullptr : &found->second, report);
  }
  if (unnamed != 0 && expected.whole)
    report.findings.push_back({Severity::note, std::to_string(unnamed) + " objects that no version names",
                               "left by interrupted saves; harmless"});
  if (present == expected.objects.size()) return;
  std::error_code ignored;
  for (const auto& [name, object] : expected.objects)
    if (!object.lost && !fs::exists(objects.path(name), ignored))
      report.findings.push_back(
          {Severity::error, "object " + name + " (" + object.named_by + ") is missing", kRestore});
}

void check_anchors(const fs::path& store, const Expected& expected, FsckReport& report) {
  for (const auto& [name, sha256] : expected.anchors) {
    const auto file = store / "audit" / "anchors" / name;
    guarded(report, Severity::error, "put it back from a backup, or from a copy of the audit folder",
            [&, &printed = sha256] {
              const Fd fd = open_file(file, O_RDONLY);
              if (hash_file(fd.get(), fs::file_size(file), file) != printed)
                throw Error(Code::corrupt, file.string() + ": isn't what the log says that the command printed");
            });
  }
}

}  // namespace ward::store

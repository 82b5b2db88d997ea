// SPDX-License-Identifier: Apache-2.0
// The catalog, the drafts and git history are what the log says.
#include <algorithm>
#include <set>

#include "store/fsck_parts.h"
#include "store/git_history.h"
#include "store/merkle.h"
#include "store/recovery.h"
#include "store/segments.h"

namespace ward::store {
namespace {

namespace fs = std::filesystem;

std::string rebuild_advice(const fs::path& store) {
  return "ward rebuild " + store.string() + " (nothing is lost)";
}

void copy_if_there(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return;
  if (!fs::copy_file(from, to, error) || error) throw_errno("copy " + from.string(), error.value());
}

/// The first line that differs, for people who have to find out why.
std::string difference(const std::string& present, const std::string& due) {
  const auto at = static_cast<std::size_t>(std::mismatch(present.begin(), present.end(), due.begin(), due.end()).first -
                                           present.begin());
  const auto start = at == 0 ? 0 : present.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  const auto line = [start](const std::string& text) {
    return start < text.size() ? text.substr(start, std::min(text.find('\n', start) - start, std::size_t{300}))
                               : "(nothing)";
  };
  return "it has \"" + line(present) + "\" where the log says \"" + line(due) + "\"";
}

void compare(const fs::path& store, Catalog& present, const Catalog& replayed, FsckReport& report) {
  const auto file = (store / "catalog.db").string();
  const auto applied = present.applied(), records = replayed.applied();
  if (applied > records)
    throw Error(Code::corrupt,
                file + ": it knows " + std::to_string(applied) + " records, the log has " + std::to_string(records));
  if (applied < records) {
    if (applied != 0 && present.applied_leaf() != hex(leaf_hash(line_at(store / "audit", applied - 1))))
      throw Error(Code::corrupt, file + ": it follows from another log");
    report.findings.push_back({Severity::note,
                               file + ": " + std::to_string(records - applied) + " records behind the log",
                               "the next mount brings it up to date"});
    catch_up(store / "audit", present);
  }
  const auto has = present.dump(), due = replayed.dump();
  if (has != due) throw Error(Code::corrupt, file + ": not what the log says: " + difference(has, due));
}

}  // namespace

void check_catalog(const fs::path& store, const fs::path& work, const Catalog& replayed, FsckReport& report) {
  const auto file = store / "catalog.db", copied = work / "present.db";
  std::error_code error;
  if (!fs::exists(file, error)) {
    report.findings.push_back({Severity::note, file.string() + " is missing", "the next mount makes it from the log"});
    return;
  }
  copy_if_there(file, copied);
  copy_if_there(file.string() + "-wal", copied.string() + "-wal");
  guarded(report, Severity::warning, rebuild_advice(store), [&] {
    Catalog present(copied);
    compare(store, present, replayed, report);
  });
}

void check_drafts(const fs::path& store, const Catalog& replayed, FsckReport& report) {
  std::set<std::string> open;
  for (const auto& draft : replayed.drafts()) open.insert(std::to_string(draft.draft));
  if (!open.empty())
    report.findings.push_back(
        {Severity::note, std::to_string(open.size()) + " saves were interrupted", "the next mount settles them"});
  std::error_code error;
  for (fs::directory_iterator entry(store / "drafts", error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    const bool kept = entry->path().extension() == ".kept";
    const bool scratch =
        name.size() > 1 && name[0] == 's' && name.find_first_not_of("0123456789", 1) == std::string::npos;
    if (kept || scratch || open.contains(name)) continue;
    report.findings.push_back({Severity::note, entry->path().string() + ": belongs to no open save",
                               "the log says that nothing in it is needed; it may be deleted"});
  }
  if (error)
    report.findings.push_back(
        {Severity::warning, (store / "drafts").string() + ": " + error.message(), "make the folder again, mode 0700"});
}

void check_history(const fs::path& store, const Expected& expected, FsckReport& report) {
  const auto path = store / "history.git";
  guarded(report, Severity::warning,
          "restore " + path.string() + ", except lfs/objects, from a backup or a clone; no version is affected", [&] {
            const GitHistory history(path);
            const auto due = expected.published ? expected.published->commit : history.start();
            if (!history.has(due))
              throw Error(Code::corrupt, path.string() + ": commit " + due + ", which the log names, is missing");
            if (history.head() != due)
              report.findings.push_back(
                  {Severity::note, path.string() + ": its head is " + history.head() + ", the log's newest is " + due,
                   "the next mount takes up from the log's"});
          });
}

}  // namespace ward::store

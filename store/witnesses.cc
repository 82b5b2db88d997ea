// SPDX-License-Identifier: Apache-2.0
#include "store/witnesses.h"

#include <algorithm>
#include <map>

#include "store/cosignature.h"
#include "store/error.h"
#include "store/files.h"

namespace ward::store {
namespace {

constexpr std::uintmax_t kMostBytes = 1 << 20;  // a note is far smaller; anchors may hold anything

/// Texts that may be cosigned checkpoints, by where they stand.
std::map<std::string, std::string> candidates(const std::filesystem::path& audit,
                                              const std::optional<std::string>& kept) {
  std::map<std::string, std::string> texts;
  if (kept) texts["the kept checkpoint"] = *kept;
  std::error_code none;
  if (std::filesystem::exists(audit / "checkpoint", none)) texts["checkpoint"] = read_file(audit / "checkpoint");
  for (std::filesystem::directory_iterator file(audit / "anchors", none), end; !none && file != end;
       file.increment(none)) {
    const auto name = file->path().filename().string();
    if (!file->is_regular_file() || name.ends_with(".tmp") || file->file_size() > kMostBytes) continue;
    texts["anchors/" + name] = read_file(file->path());
  }
  return texts;
}

std::optional<Note> note_of(const std::string& text) {
  try {
    return parse_note(text);
  } catch (const Error&) {  // a time stamp, a mail's receipt
    return std::nullopt;
  }
}

}  // namespace

CosignedSearch find_cosigned(const std::filesystem::path& audit, const std::optional<std::string>& kept,
                             const std::string& origin, const std::vector<VerifierKey>& witnesses, std::uint64_t now) {
  CosignedSearch search;
  for (const auto& [file, text] : candidates(audit, kept)) {
    const auto note = note_of(text);
    if (!note) continue;
    for (const auto& witness : witnesses) {
      const auto cosignature = check_cosignature(*note, witness, now);
      if (cosignature.signature == Signature::bad)
        search.notes.push_back(file + ": the cosignature of " + witness.name + " is wrong, or from the future");
      if (cosignature.signature != Signature::good) continue;
      Cosigned cosigned{file, witness, cosignature.time, {}};
      try {
        cosigned.checkpoint = parse_checkpoint(*note);
      } catch (const Error& error) {
        search.notes.push_back(file + ": " + error.what());
        continue;
      }
      if (cosigned.checkpoint.origin == origin)
        search.found.push_back(std::move(cosigned));
      else
        search.notes.push_back(file + ": " + witness.name + " cosigned it for another log");
    }
  }
  std::ranges::stable_sort(search.found, {}, [](const Cosigned& each) { return each.checkpoint.size; });
  return search;
}

std::vector<Vouched> vouched(const CosignedSearch& search) {
  std::vector<Vouched> all;
  for (const auto& each : search.found)
    all.push_back({each.file + " (cosigned by " + each.witness.name + ")", each.checkpoint});
  return all;
}

}  // namespace ward::store

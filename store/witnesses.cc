// SPDX-License-Identifier: Apache-2.0
#include "store/witnesses.h"

#include <algorithm>

#include "store/cosignature.h"
#include "store/error.h"
#include "store/files.h"

namespace ward::store {
namespace {

constexpr std::uintmax_t kMostBytes = 1 << 20;  // a note is far smaller; anchors may hold anything

/// Files in anchors/ that may be cosigned checkpoints, those of the smallest first.
std::vector<std::string> anchor_names(const std::filesystem::path& audit) {
  std::vector<std::string> names;
  std::error_code none;
  for (std::filesystem::directory_iterator file(audit / "anchors", none), end; !none && file != end;
       file.increment(none)) {
    const auto name = file->path().filename().string();
    if (!name.ends_with(".tmp") && file->is_regular_file() && file->file_size() <= kMostBytes) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::optional<Note> note_of(const std::string& text) {
  try {
    return parse_note(text);
  } catch (const Error&) {  // a time stamp, a mail's receipt
    return std::nullopt;
  }
}

class Search {
 public:
  Search(std::string origin, const std::vector<VerifierKey>& witnesses, std::uint64_t now)
      : origin_(std::move(origin)), witnesses_(witnesses), now_(now) {}

  void look(const std::string& file, const std::string& text) {
    const auto note = note_of(text);
    if (!note) return;
    for (const auto& witness : witnesses_) {
      const auto cosignature = check_cosignature(*note, witness, now_);
      if (cosignature.signature == Signature::bad)
        result.notes.push_back(file + ": the cosignature of " + witness.name + " is wrong, or from the future");
      if (cosignature.signature == Signature::good) add({file, witness, cosignature.time, {}}, *note);
    }
  }

  CosignedSearch result;

 private:
  void add(Cosigned cosigned, const Note& note) {
    try {
      cosigned.checkpoint = parse_checkpoint(note);
    } catch (const Error& error) {
      result.notes.push_back(cosigned.file + ": " + error.what());
      return;
    }
    if (cosigned.checkpoint.origin == origin_)
      result.found.push_back(std::move(cosigned));
    else
      result.notes.push_back(cosigned.file + ": " + cosigned.witness.name + " cosigned it for another log");
  }

  const std::string origin_;
  const std::vector<VerifierKey>& witnesses_;
  const std::uint64_t now_;
};

}  // namespace

CosignedSearch find_cosigned(const std::filesystem::path& audit, const std::optional<std::string>& kept,
                             const std::string& origin, const std::vector<VerifierKey>& witnesses, std::uint64_t now) {
  Search search(origin, witnesses, now);
  std::error_code none;
  if (kept) search.look("the kept checkpoint", *kept);
  if (std::filesystem::exists(audit / "checkpoint", none)) search.look("checkpoint", read_file(audit / "checkpoint"));
  for (const auto& name : anchor_names(audit)) search.look("anchors/" + name, read_file(audit / "anchors" / name));
  std::ranges::stable_sort(search.result.found, {}, [](const Cosigned& each) { return each.checkpoint.size; });
  return std::move(search.result);
}

std::uint64_t largest_cosigned(const std::filesystem::path& audit, const std::string& origin,
                               const VerifierKey& witness, std::uint64_t now) {
  const std::vector<VerifierKey> one = {witness};
  Search search(origin, one, now);
  auto names = anchor_names(audit);
  for (; search.result.found.empty() && !names.empty(); names.pop_back())
    search.look(names.back(), read_file(audit / "anchors" / names.back()));
  return search.result.found.empty() ? 0 : search.result.found.front().checkpoint.size;
}

std::vector<Vouched> vouched(const CosignedSearch& search) {
  std::vector<Vouched> all;
  for (const auto& each : search.found)
    all.push_back({each.file + " (cosigned by " + each.witness.name + ")", each.checkpoint});
  return all;
}

}  // namespace ward::store

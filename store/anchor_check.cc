// SPDX-License-Identifier: Apache-2.0
#include "store/anchor_check.h"

#include <map>

#include "store/crypto.h"
#include "store/error.h"
#include "store/files.h"
#include "store/segments.h"

namespace ward::store {
namespace {

using SignedBy = std::function<VerifierKey(Sequence)>;

std::string stem_of(std::uint64_t size) {
  return std::filesystem::path(segment_name(size)).stem().string();
}

/// By name, what was printed last; of a checkpoint "": its signature tells.
std::map<std::string, Sha256> kept_files(const std::vector<Record>& anchors) {
  std::map<std::string, Sha256> kept;
  for (const Record& record : anchors) {
    const auto* run = std::get_if<Anchor>(&record.payload);
    if (run == nullptr || run->sha256.empty() || run->name.find('/') != run->name.npos) continue;
    kept["anchors/" + stem_of(run->checkpoint) + "." + run->name] = run->sha256;
    kept["anchors/" + stem_of(run->checkpoint) + ".checkpoint"] = "";
  }
  return kept;
}

std::string problem_of_checkpoint(const std::string& name, const std::string& text, const SignedBy& signer) {
  try {
    const auto note = parse_note(text);
    const auto checkpoint = parse_checkpoint(note);
    const auto key = signer(checkpoint.size);
    const bool good = checkpoint.origin == key.name && check_note(note, key) == Signature::good &&
                      name == "anchors/" + stem_of(checkpoint.size) + ".checkpoint";
    return good ? "" : name + " isn't the checkpoint that was anchored";
  } catch (const Error& error) {
    if (error.code() != Code::corrupt) throw;
    return name + ": " + error.what();
  }
}

}  // namespace

std::vector<std::string> anchor_problems(const std::filesystem::path& audit, const std::vector<Record>& anchors,
                                         const SignedBy& signer) {
  std::vector<std::string> found;
  for (const auto& [name, printed] : kept_files(anchors)) {
    std::error_code error;
    std::string problem;
    if (!std::filesystem::is_regular_file(audit / name, error))
      problem = name + " is missing";
    else if (const auto bytes = read_file(audit / name); printed.empty())
      problem = problem_of_checkpoint(name, bytes, signer);
    else if (hex(sha256(bytes)) != printed)
      problem = name + " isn't what the anchor's command printed";
    if (!problem.empty()) found.push_back(std::move(problem));
  }
  return found;
}

}  // namespace ward::store

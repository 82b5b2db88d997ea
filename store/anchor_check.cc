// SPDX-License-Identifier: Apache-2.0
#include "store/anchor_check.h"

#include "store/crypto.h"
#include "store/error.h"
#include "store/files.h"
#include "store/segments.h"

namespace ward::store {

void AnchorCheck::see(const Record& record) {
  const auto* run = std::get_if<Anchor>(&record.payload);
  if (run == nullptr || run->sha256.empty() || run->name.find('/') != run->name.npos) return;
  const auto stem = "anchors/" + std::filesystem::path(segment_name(run->checkpoint)).stem().string();
  kept_[stem + "." + run->name] = run->sha256;
  kept_[stem + ".checkpoint"] = "";  // its signature tells
}

std::string AnchorCheck::problem_of(const std::string& name, const Sha256& sha256) const {
  if (hex(store::sha256(read_file(audit_ / name))) == sha256) return "";
  return name + " isn't what the anchor's command printed";
}

std::string AnchorCheck::problem_of_checkpoint(const std::string& name,
                                               const std::function<VerifierKey(Sequence)>& signer) const {
  try {
    const auto note = parse_note(read_file(audit_ / name));
    const auto checkpoint = parse_checkpoint(note);
    const auto key = signer(checkpoint.size);
    const bool good =
        checkpoint.origin == key.name && check_note(note, key) == Signature::good &&
        name.ends_with(std::filesystem::path(segment_name(checkpoint.size)).stem().string() + ".checkpoint");
    return good ? "" : name + " isn't the checkpoint that was anchored";
  } catch (const Error& error) {
    if (error.code() != Code::corrupt) throw;
    return name + ": " + error.what();
  }
}

std::vector<std::string> AnchorCheck::problems(const std::function<VerifierKey(Sequence)>& signer) const {
  std::vector<std::string> found;
  for (const auto& [name, sha256] : kept_) {
    std::error_code error;
    auto problem = !std::filesystem::is_regular_file(audit_ / name, error) ? name + " is missing"
                   : sha256.empty()                                        ? problem_of_checkpoint(name, signer)
                                                                           : problem_of(name, sha256);
    if (!problem.empty()) found.push_back(std::move(problem));
  }
  return found;
}

}  // namespace ward::store

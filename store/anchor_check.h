// SPDX-License-Identifier: Apache-2.0
// Compares anchors/ with what the log's records say was kept there.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "store/checkpoint.h"
#include "store/record.h"

namespace ward::store {

class AnchorCheck {
 public:
  explicit AnchorCheck(std::filesystem::path audit) : audit_(std::move(audit)) {}
  /// A record that is signed for; others than those of anchors are ignored.
  void see(const Record& record);
  /// What is wrong with the files that the records name, and with the checkpoints beside them, which `signer` tells of:
  /// the key that signed checkpoints of that size. Throws Error{io}.
  std::vector<std::string> problems(const std::function<VerifierKey(Sequence)>& signer) const;

 private:
  std::string problem_of(const std::string& name, const Sha256& sha256) const;
  std::string problem_of_checkpoint(const std::string& name, const std::function<VerifierKey(Sequence)>& signer) const;

  std::filesystem::path audit_;
  std::map<std::string, Sha256> kept_;  // by name, as printed last
};

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// Compares anchors/ with what the log's records say was kept there.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "store/checkpoint.h"
#include "store/record.h"

namespace ward::store {

/// What is wrong with the files that these records of anchors name, and with the checkpoints beside them. `signer`: the
/// key that signed checkpoints of that size. Throws Error{io}.
std::vector<std::string> anchor_problems(const std::filesystem::path& audit, const std::vector<Record>& anchors,
                                         const std::function<VerifierKey(Sequence)>& signer);

}  // namespace ward::store

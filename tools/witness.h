// SPDX-License-Identifier: Apache-2.0
// Asking a witness to cosign a checkpoint (C2SP tlog-witness, add-checkpoint).
#pragma once
#include <chrono>
#include <filesystem>
#include <string>

#include "store/checkpoint.h"

namespace ward::tools {

struct CosignRequest {
  std::string url;  // the witness's submission prefix
  store::VerifierKey witness;
  std::filesystem::path audit;  // whose tiles prove that the log continued
  std::string checkpoint;       // signed by the log
  std::uint64_t old = 0;        // how many records the witness probably knows; it says so when that is wrong
  std::chrono::seconds timeout{};
};

/// The checkpoint with the witness's cosignature. Throws store::Error{io} when there is no usable answer, {corrupt}
/// when the witness says that this log isn't the one it saw before, and when its cosignature is wrong.
std::string cosign(const CosignRequest& request);

}  // namespace ward::tools

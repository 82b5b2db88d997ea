// SPDX-License-Identifier: Apache-2.0
// Goal: no checkpoint, note or verifier key makes its reader crash, and nothing verifies that wasn't signed.
// Method: the input is read as each of them; a key that no input can hold a signature of must never find a good one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "store/checkpoint.h"
#include "store/error.h"

using namespace ward::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  VerifierKey key{"h1/ward/3f0c9a52", {}};
  key.key.fill(7);
  try {
    const auto note = parse_note(text);
    if (check_note(note, key) == Signature::good) std::abort();
    const auto checkpoint = parse_checkpoint(note);
    if (checkpoint.origin.empty()) std::abort();
  } catch (const Error&) {
  }
  try {
    const auto read = parse_vkey(text);
    if (to_vkey(read) != text) std::abort();  // one spelling
  } catch (const Error&) {
  }
  return 0;
}

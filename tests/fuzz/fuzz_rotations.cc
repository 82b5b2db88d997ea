// SPDX-License-Identifier: Apache-2.0
// Goal: no file of key rotations makes its reader crash, or hands the trust in a key that signed nothing to another.
// Method: the input is the file; a key that no input can hold a signature of must stay the only one.
#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "store/error.h"
#include "store/key_history.h"
#include "tests/temp_dir.h"

using namespace ward::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ward::tests::TempDir dir;
  std::ofstream(KeyHistory::path(dir.path()), std::ios::trunc | std::ios::binary)
      << std::string(reinterpret_cast<const char*>(data), size);
  VerifierKey trusted{"h1/ward/3f0c9a52", {}};
  trusted.key.fill(7);
  try {
    const auto history = KeyHistory::load(dir.path());
    for (const Sequence at : {Sequence{0}, Sequence{1'000}, UINT64_MAX})
      if (history.in_force(at, trusted).key != trusted.key) std::abort();
  } catch (const Error&) {
  }
  return 0;
}

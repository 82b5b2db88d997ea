// SPDX-License-Identifier: Apache-2.0
// Goal: no ward.toml makes the reader crash, and what it accepts it writes again to the same meaning.
// Method: what is accepted is written and read again; what isn't is an Error that names the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "store/config.h"
#include "store/error.h"

using namespace ward::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = parse_config(text, "ward.toml");
    const auto again = parse_config(to_toml(config), "ward.toml");
    if (again.origin != config.origin || again.vkey != config.vkey || again.key != config.key ||
        again.anchors != config.anchors)
      std::abort();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("ward.toml") == std::string_view::npos) std::abort();
  }
  return 0;
}

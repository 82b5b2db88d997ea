// SPDX-License-Identifier: Apache-2.0
// Goal: no line makes the reader of records crash, and there is one spelling for each record.
// Method: what is accepted must be written again byte for byte; what isn't is an Error and nothing else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "store/error.h"
#include "store/record_json.h"
#include "store/segments.h"

using namespace ward::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  (void)sequence_of(line);
  try {
    const auto record = parse_line(line);
    const auto host = line.find("\"host\":{\"name\":\"");
    if (host == line.npos) std::abort();
    if (line.find_first_of("\n\r\x1b\x7f") != line.npos) std::abort();  // nobody breaks a line or steers a terminal
    (void)action_of(record.payload);
  } catch (const Error&) {
  }
  return 0;
}

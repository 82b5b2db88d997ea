// SPDX-License-Identifier: Apache-2.0
// Goal: whatever a crash or a disk leaves in STORE/slots, the next start reads it without a fault.
// Method: the input is laid over the first slots of a file; the ranges that come out are sorted, apart and not empty,
// and make a record that fits into a line.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "store/error.h"
#include "store/record_json.h"
#include "store/slots.h"

using namespace ward::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto file = std::filesystem::temp_directory_path() / ("ward-fuzz-slots-" + std::to_string(::getpid()));
  constexpr std::size_t kFile = 1 << 20;
  {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(std::min(size, kFile)));
  }
  std::filesystem::resize_file(file, kFile);
  {
    Slots slots(file);
    for (const auto& content : slots.left_behind()) {
      std::uint64_t bytes = 0;
      for (std::size_t i = 0; i < content.ranges.size(); ++i) {
        const auto& range = content.ranges[i];
        if (range.length == 0 || (i > 0 && range.offset <= content.ranges[i - 1].offset)) std::abort();
        bytes += range.length;
      }
      Record record;
      record.payload = Read{content.key.artifact, content.key.version,
                            std::string(64, 'a'), content.key.handle,
                            content.part,         true,
                            content.requests,     bytes,
                            content.ranges};
      if (parse_line(to_line(record, "h")) != record) std::abort();
    }
    slots.clear();
    if (!slots.left_behind().empty()) std::abort();
  }
  std::filesystem::remove(file);
  return 0;
}

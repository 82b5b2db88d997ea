// SPDX-License-Identifier: Apache-2.0
// Goal: no index file makes its reader crash, or give a line that isn't in the segment, in another order or twice.
// Method: a segment of 300 lines; the input is what its index holds behind a good header's first 24 bytes.
#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "store/error.h"
#include "store/log_index.h"
#include "tests/temp_dir.h"

using namespace ward::store;

namespace {

struct World {
  ward::tests::TempDir dir;
  Segment segment{0, dir.path() / segment_name(0), 0};
  std::filesystem::path index = dir.path() / "00000000000000000000.idx";
  std::string head;  // magic, first, bytes

  World() {
    std::ofstream out(segment.file);
    for (int i = 0; i < 300; ++i)
      out << R"({"@timestamp":"2026-11-23T10:04:05.123456Z","event":{"sequence":)" << i
          << R"(,"action":"open","outcome":"success"},"user":{"id":)" << i % 7 << R"(,"name":"u"},"ward":{"artifact":)"
          << i % 5 << "}}\n";
    out.close();
    segment.bytes = std::filesystem::file_size(segment.file);
    SegmentIndex::write(dir.path(), segment);
    std::ifstream in(index, std::ios::binary);
    head.assign(std::istreambuf_iterator<char>(in), {});
    head.resize(32);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  std::string bytes = world.head + std::string(reinterpret_cast<const char*>(data), size);
  if (bytes.size() >= 64) {  // the sum isn't what is tested
    const Term sum = term_of(std::string_view(bytes).substr(0, 56));
    bytes.replace(56, 8, reinterpret_cast<const char*>(&sum), 8);
  }
  std::ofstream(world.index, std::ios::trunc | std::ios::binary) << bytes;
  LogFilter of_artifact, of_user;
  of_artifact.artifact = 3, of_user.user = "3";
  for (const auto& filter : {of_artifact, of_user}) {
    std::int64_t last = -1;
    candidates(world.dir.path(), world.segment, 0, filter, [&](std::string_view line) {
      const auto sequence = sequence_of(line);
      if (!sequence || static_cast<std::int64_t>(*sequence) <= last) std::abort();
      last = static_cast<std::int64_t>(*sequence);
    });
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// How fast the log answers questions about one artifact.
#include <filesystem>
#include <stdexcept>

#include "store/log_index.h"
#include "store/log_keeper.h"
#include "tests/bench/bench.h"

namespace ward::bench {

double index_log(const Arguments& words) {
  const std::filesystem::path folder = words[0];
  std::filesystem::create_directory(folder / "index");
  const Clock clock;
  for (const auto& segment : store::segments(folder / "audit")) store::SegmentIndex::write(folder / "index", segment);
  return clock.seconds();
}

double compress_log(const Arguments& words) {
  const std::filesystem::path folder = words[0];
  const Clock clock;
  store::look_after(folder / "audit", folder / "index", UINT64_MAX, [] { return false; });
  return clock.seconds();
}

double ask_log(const Arguments& words) {
  const std::filesystem::path folder = words[0];
  std::uint64_t found = 0;
  store::LogFilter filter;
  filter.artifact = number(words[1]);
  const Clock clock;
  for (const auto& segment : store::segments(folder / "audit"))
    store::candidates(folder / "index", segment, 0, filter, [&](std::string_view) { ++found; });
  const double took = clock.seconds();
  if (found < number(words[2])) throw std::runtime_error("found " + std::to_string(found) + " records");
  return took;
}

}  // namespace ward::bench

// SPDX-License-Identifier: Apache-2.0
// Goal: a segment is hashed line by line however its lines lie in what one read brings, and what follows the last line
// is told. Method: lines of all lengths, so that they straddle the reads, against their leaf hashes.
#include "store/segment_scan.h"

#include <fstream>

#include "store/merkle.h"
#include "store/record_json.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;

TEST_CASE("a record has one way to tell its number") {
  const auto line = log_line(17);
  const auto with = [&](const std::string& number) {
    return sequence_of(std::string(line).replace(line.find("17"), 2, number));
  };
  CHECK(sequence_of(line) == 17);
  CHECK(with("0") == 0);
  for (const auto* number : {"017", "00", "-17", "", "x", "17x", "18446744073709551616"}) CHECK_FALSE(with(number));
}

TEST_CASE("lines that straddle reads are hashed whole, and an unfinished one is counted") {
  const TempDir dir;
  std::string bytes;
  std::vector<Hash> leaves;
  for (Sequence i = 0; i < 300; ++i) {
    const auto line = log_line(i, std::string(i * 211, 'x'));
    leaves.push_back(leaf_hash(line));
    bytes += line + '\n';
  }
  const std::string unfinished(kMaxLine + 300'000, 'y');  // longer than any record, and than one read
  std::ofstream(dir.path() / segment_name(0), std::ios::binary) << bytes << unfinished;
  int seen = 0;
  scan_segments({{0, dir.path() / segment_name(0), bytes.size()}}, [&](const SegmentScan& scan) {
    ++seen;
    CHECK(scan.problem.empty());
    CHECK((scan.leaves == leaves));
    CHECK(scan.torn_bytes == unfinished.size());
    return true;
  });
  CHECK(seen == 1);
}

// SPDX-License-Identifier: Apache-2.0
// Goal: the log's entry bundles are those of C2SP tlog-tiles: names, listing, bytes.
// Method: the names of the specification; walks through the listings of logs of many sizes; a log whose bundles are
// taken apart again.
#include "store/bundles.h"

#include <set>

#include "store/error.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;

namespace {

void walk(const std::string& folder, std::uint64_t size, std::set<std::string>& found) {
  for (const auto& item : list_bundles(folder, size)) {
    const auto path = folder + "/" + item.name;
    if (item.folder) {
      walk(path, size, found);
    } else {
      found.insert(path);
    }
  }
}

}  // namespace

TEST_CASE("a bundle has one name", "[bundles]") {
  CHECK(parse_bundle_path("tile/entries/x001/x234/067") == Tile{0, 1'234'067, 256});
  CHECK(parse_bundle_path("tile/entries/273.p/112") == Tile{0, 273, 112});
  for (const char* path :
       {"tile/entries", "tile/entries/", "tile/entries/1", "tile/entries/x000/001", "tile/0/001",
        "tile/entries/001.p/0", "tile/entries/001.p/256", "tile/entries/../001", "tile/entriesx/001"})
    CHECK_FALSE(parse_bundle_path(path));
  CHECK(bundle_path({0, 1'234'067, 256}) == "tile/entries/x001/x234/067");
  CHECK(bundle_path({0, 273, 112}) == "tile/entries/273.p/112");
}

TEST_CASE("the listings lead to every bundle of a log, and to no other", "[bundles]") {
  for (const std::uint64_t size : {0ull, 1ull, 255ull, 256ull, 257ull, 70'000ull, 256'000ull, 256'001ull, 512'300ull}) {
    std::set<std::string> found, expected;
    walk(std::string(kBundles), size, found);
    for (std::uint64_t i = 0; i < size / 256; ++i) expected.insert(bundle_path({0, i, 256}));
    if (size % 256 != 0) expected.insert(bundle_path({0, size / 256, static_cast<unsigned>(size % 256)}));
    INFO(size);
    CHECK(found == expected);
  }
  std::set<std::string> names;  // a thousand thousands: the first folder within a folder
  for (const auto& item : list_bundles("tile/entries/x001", 256'000'001)) names.insert(item.name);
  CHECK(names.contains("x000"));
  CHECK_FALSE(names.contains("x001"));
  CHECK(list_bundles("tile/entries/x001/x000", 256'000'001).front().name == "000.p");
  CHECK(list_bundles("tile/entries/x002", 300'000).empty());
  CHECK(list_bundles("tile/entries/nonsense", 300'000).empty());
}

TEST_CASE("a bundle is lengths and lines", "[bundles]") {
  const TempDir temp;
  const auto audit = temp.path() / "audit";
  AuditLog::create(audit);
  auto log = open_log(audit, 100);
  append_lines(log, 700);
  Sequence next = 0;
  for (const Tile& bundle : {Tile{0, 0, 256}, Tile{0, 1, 256}, Tile{0, 2, 188}}) {
    const auto bytes = read_bundle(audit, bundle);
    std::size_t at = 0;
    while (at < bytes.size()) {
      const auto length = static_cast<unsigned char>(bytes[at]) * 256u + static_cast<unsigned char>(bytes[at + 1]);
      REQUIRE(bytes.substr(at + 2, length) == log_line(next++));
      at += 2 + length;
    }
    REQUIRE(at == bytes.size());
  }
  CHECK(next == 700);
  CHECK_THROWS_AS(read_bundle(audit, {0, 2, 189}), Error);
}

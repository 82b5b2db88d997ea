// SPDX-License-Identifier: Apache-2.0
// Goal: the tiles on disk are tlog-tiles, and everything about the tree can be had from them again.
// Method: names from the specification; trees that grow in uneven steps over the borders at 256 and 65,536 are loaded
// at each step and compared with a Frontier that never touched a disk; proofs are made from tiles alone.
#include "store/tiles.h"

#include <sys/resource.h>

#include <fstream>
#include <set>

#include "store/error.h"
#include "store/files.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using ward::tests::TempDir;

namespace {

Hash leaf(std::uint64_t i) {
  return leaf_hash(std::to_string(i));
}

std::set<std::string> files_under(const std::filesystem::path& folder) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.insert(entry.path().lexically_relative(folder).string());
  }
  return files;
}

}  // namespace

TEST_CASE("tiles are named as tlog-tiles says, with one name each") {
  CHECK(tile_path({0, 1234067, 256}) == "tile/0/x001/x234/067");
  CHECK(tile_path({0, 273, 112}) == "tile/0/273.p/112");
  CHECK(tile_path({1, 0, 256}) == "tile/1/000");
  CHECK(tile_path({3, 1000, 1}) == "tile/3/x001/000.p/1");
  for (const Tile tile :
       {Tile{0, 0, 256}, Tile{0, 999, 255}, Tile{2, 1000, 1}, Tile{1, 1234067, 256}, Tile{0, 999'999'999, 3}}) {
    CHECK(parse_tile_path(tile_path(tile)) == tile);
  }
  for (auto bad : {"", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/1000", "tile/0/x000/001", "tile/8/000",
                   "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/00/000", "tile/0/000/",
                   "tile/0/000.tmp", "tile/0/x001", "tile/0/001/002", "tile/0/000.p/1.p/1", "checkpoint"}) {
    INFO(bad);
    CHECK_FALSE(parse_tile_path(bad));
  }
}

TEST_CASE("a tree of 70,000 leaves has these partial tiles") {
  const std::vector<Tile> expected = {{0, 273, 112}, {1, 1, 17}, {2, 0, 1}};
  CHECK(partial_tiles(70'000) == expected);
  CHECK(partial_tiles(0).empty());
  CHECK(partial_tiles(65'536) == std::vector<Tile>{{2, 0, 1}});
}

TEST_CASE("a growing tree can be read back from its tiles at every step") {
  const TempDir folder;
  TileWriter writer(folder.path());
  Frontier reference;
  for (const std::uint64_t size : {1, 2, 3, 255, 256, 257, 511, 512, 700, 65'535, 65'536, 65'537, 65'800, 70'000}) {
    while (writer.size() < size) {
      reference.append(leaf(writer.size()));
      writer.append(leaf(writer.size()));
    }
    writer.write();
    CHECK(writer.unwritten() == 0);
    INFO(size);
    REQUIRE(writer.root() == reference.root());
    const auto loaded = TileWriter::load(folder.path(), size);
    REQUIRE(loaded.root() == reference.root());
    REQUIRE(loaded.frontier().peaks() == reference.peaks());
    if (size % 2 == 0) writer = loaded;  // as after a restart
  }
  SECTION("only the tiles of that size and partial ones not yet full are there") {
    std::set<std::string> expected = {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/1/000",
                                      "tile/1/001.p/1"};
    for (unsigned i = 0; i < 273; ++i) expected.insert(tile_path({0, i, 256}));
    CHECK(files_under(folder.path()) == expected);
  }
  SECTION("proofs come from tiles alone") {
    const FetchNode fetch = [&](unsigned level, std::uint64_t index) {
      return read_node(folder.path(), 70'000, level, index);
    };
    for (const std::uint64_t i : {0, 1, 255, 256, 40'000, 65'535, 65'536, 69'999}) {
      CHECK(verify_inclusion(leaf(i), i, 70'000, inclusion_proof(i, 70'000, fetch), reference.root()));
    }
    Frontier before;
    for (std::uint64_t i = 0; i < 70'000; ++i) {
      if (i == 1 || i == 300 || i == 65'536 || i == 69'999) {
        CHECK(verify_consistency(i, before.root(), 70'000, reference.root(), consistency_proof(i, 70'000, fetch)));
      }
      before.append(leaf(i));
    }
  }
}

TEST_CASE("an old size is still readable after its partial tile gave way to the full one") {
  const TempDir folder;
  TileWriter writer(folder.path());
  Frontier at_200;
  for (std::uint64_t i = 0; i < 300; ++i) {
    writer.append(leaf(i));
    if (i < 200) at_200.append(leaf(i));
    if (i == 199) writer.write();
  }
  writer.write();
  CHECK_FALSE(std::filesystem::exists(folder.path() / "tile/0/000.p"));
  CHECK(TileWriter::load(folder.path(), 200).root() == at_200.root());
}

TEST_CASE("missing and short tiles are damage, and a failed write can be repeated") {
  const TempDir folder;
  TileWriter writer(folder.path());
  for (std::uint64_t i = 0; i < 260; ++i) writer.append(leaf(i));
  std::ofstream(folder.path() / "tile") << "in the way";
  CHECK_THROWS_AS(writer.write(), Error);
  std::filesystem::remove(folder.path() / "tile");
  writer.write();
  CHECK(TileWriter::load(folder.path(), 260).root() == writer.root());
  CHECK_THROWS_AS(TileWriter::load(folder.path(), 261), Error);
  std::filesystem::resize_file(folder.path() / "tile/0/001.p/4", 127);
  CHECK_THROWS_AS(TileWriter::load(folder.path(), 260), Error);
}

TEST_CASE("a log that catches up writes any number of tiles with a few descriptors") {
  const TempDir dir;
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  TileWriter tree(dir.path());
  for (std::uint64_t i = 0; i < 256 * 100 + 3; ++i) tree.append(leaf(i));
  const auto open = static_cast<rlim_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
  const struct rlimit few { open + 20, before.rlim_max };
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  CHECK_NOTHROW(tree.write());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(TileWriter::load(dir.path(), tree.size()).root() == tree.root());
}

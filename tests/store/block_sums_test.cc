// SPDX-License-Identifier: Apache-2.0
// Goal: a changed byte of a large object is noticed when its block is served, and nothing else is refused.
// Method: sums of contents of many sizes fed in pieces; objects in a store with bytes, sums or lengths changed.
#include "store/block_sums.h"

#include <fcntl.h>
#include <xxhash.h>

#include <fstream>
#include <random>

#include "store/error.h"
#include "store/object_store.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using ward::tests::TempDir;
namespace fs = std::filesystem;

namespace {

std::string noise(std::size_t size) {
  std::mt19937_64 random(size);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

struct Store {
  TempDir temp;
  fs::path sums = temp.path() / "sums";
  ObjectStore objects{temp.path() / "objects", sums};
  std::string bytes = noise((5 << 20) + 77);
  Content content;

  Store() {
    fs::create_directory(temp.path() / "objects");
    const auto file = temp.path() / "new";
    std::ofstream(file, std::ios::binary) << bytes;
    const Fd fd = open_file(file, O_RDWR);
    content = hash_content(fd.get(), bytes.size(), file);
    objects.adopt(file, fd.get(), content, bytes.size());
    fs::remove(file);
  }
  void flip(std::uint64_t at) const {
    const auto file = objects.path(content.sha256);
    fs::permissions(file, fs::perms::owner_all);
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(bytes[at] ^ 1));
  }
  /// As another start of the daemon would see it.
  std::shared_ptr<const Object> open() {
    return ObjectStore(temp.path() / "objects", sums).open(content.sha256, bytes.size());
  }
  fs::path sums_file() const { return sums / content.sha256.substr(0, 2) / (content.sha256 + ".xxh3"); }
};

bool refused(const Object& object, std::uint64_t offset, std::size_t length) {
  try {
    (void)object.slice(offset, length);
    return false;
  } catch (const Error& error) {
    CHECK(error.code() == Code::corrupt);
    return true;
  }
}

}  // namespace

TEST_CASE("sums are XXH3 of each MiB, however the bytes come", "[sums]") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, (std::size_t{1} << 20) - 1, std::size_t{1} << 20,
                                 (std::size_t{1} << 20) + 1, (std::size_t{3} << 20) + 5}) {
    const auto bytes = noise(size);
    BlockSummer summer;
    std::mt19937 random(3);
    for (std::size_t at = 0; at < size;) {
      const auto n = std::min<std::size_t>(size - at, 1 + random() % 700'000);
      summer.update(bytes.data() + at, n);
      at += n;
    }
    const auto sums = summer.finish();
    REQUIRE(sums.size() == (size + kSummedBlock - 1) / kSummedBlock);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const auto block = std::string_view(bytes).substr(i * kSummedBlock, kSummedBlock);
      CHECK(sums[i] == XXH3_64bits(block.data(), block.size()));
    }
    CHECK(block_sums(to_bytes(sums, size), size) == sums);
    CHECK_FALSE(block_sums(to_bytes(sums, size), size + kSummedBlock));
    CHECK(summer.finish().empty());
  }
}

TEST_CASE("no byte of kept sums can be another", "[sums]") {
  const auto bytes = to_bytes({1, 2, 3}, 3 * kSummedBlock);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    CHECK_FALSE(block_sums(changed, 3 * kSummedBlock));
  }
  CHECK_FALSE(block_sums("", 3 * kSummedBlock));
}

TEST_CASE("the block with a changed byte is refused, the others are served", "[sums]") {
  Store store;
  const auto at = GENERATE(std::uint64_t{0}, (std::uint64_t{2} << 20) - 1, (std::uint64_t{5} << 20) + 76);
  store.flip(at);
  const auto object = store.open();
  REQUIRE(object);
  const auto block = at >> 20;
  for (std::uint64_t i = 0; i < 6; ++i) CHECK(refused(*object, i << 20, 100) == (i == block));
  CHECK(refused(*object, 0, store.bytes.size()));
  CHECK(refused(*object, at, 1));
  CHECK(object->slice(store.bytes.size(), 10).empty());
}

TEST_CASE("a sound object is served whole", "[sums]") {
  Store store;
  const auto object = store.open();
  const auto slice = object->slice(0, store.bytes.size() + 100);
  CHECK(std::string_view(slice.data(), slice.size()) == store.bytes);
}

TEST_CASE("without sums, or with torn ones, an object is served as it is", "[sums]") {
  Store store;
  store.flip(0);
  fs::resize_file(store.sums_file(), fs::file_size(store.sums_file()) / 2);
  CHECK_FALSE(refused(*store.open(), 0, 10));
  fs::remove(store.sums_file());
  CHECK_FALSE(refused(*store.open(), 0, 10));
}

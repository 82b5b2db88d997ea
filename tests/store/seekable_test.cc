// SPDX-License-Identifier: Apache-2.0
// Goal: compressed text reads the same from anywhere, any zstd gives it back, and a damaged file never gives another
// text. Method: texts around the frame's size, random reads, every byte of a small file changed, every length cut.
#include "store/seekable.h"

#include <fcntl.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "store/error.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

std::string text_of(std::size_t size) {
  std::mt19937 random(3);
  std::string text;
  while (text.size() < size) text += "record " + std::to_string(random() % 5000) + "\n";
  return text.substr(0, size);
}

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

SeekableFile open(const fs::path& path) {
  return SeekableFile(open_file(path, O_RDONLY), path);
}

std::string read_all(const fs::path& path) {
  auto file = open(path);
  std::string text(file.size(), '\0');
  text.resize(file.read(text.data(), text.size(), 0));
  return text;
}

fs::path compressed(const TempDir& temp, const std::string& text) {
  write(temp.path() / "plain", text);
  compress_seekable(temp.path() / "plain", text.size(), temp.path() / "packed.zst");
  return temp.path() / "packed.zst";
}

}  // namespace

TEST_CASE("text comes back, whole and in parts", "[seekable]") {
  const TempDir temp;
  const std::size_t size = GENERATE(0, 1, 65'535, 65'536, 65'537, 300'000);
  const auto text = text_of(size);
  const auto packed = compressed(temp, text);
  CHECK(read_all(packed) == text);
  auto file = open(packed);
  CHECK(file.size() == size);
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const std::size_t at = random() % (size + 10), want = random() % 150'000;
    std::string part(want, '\0');
    part.resize(file.read(part.data(), want, at));
    REQUIRE(part == (at < size ? text.substr(at, want) : ""));
  }
}

TEST_CASE("the zstd command gives it back too", "[seekable]") {
  const TempDir temp;
  const auto text = text_of(200'000);
  const auto packed = compressed(temp, text);
  const auto out = temp.path() / "out";
  REQUIRE(std::system(("zstd -q -d -c '" + packed.string() + "' > '" + out.string() + "'").c_str()) == 0);
  CHECK(read_file(out) == text);
  CHECK(fs::file_size(packed) < text.size() / 2);
}

TEST_CASE("a damaged file is refused or gives the same text", "[seekable]") {
  const TempDir temp;
  const auto text = text_of(70'000);
  const auto packed = compressed(temp, text);
  const auto sound = read_file(packed);
  const auto damaged = temp.path() / "damaged.zst";
  const auto look = [&](const std::string& bytes) {
    write(damaged, bytes);
    try {
      const auto got = read_all(damaged);
      REQUIRE(got == text);
      return false;
    } catch (const Error& error) {
      REQUIRE(error.code() == Code::corrupt);
      REQUIRE(std::string(error.what()).find("damaged.zst") != std::string::npos);
      return true;
    }
  };
  std::size_t refused = 0;
  for (std::size_t at = 0; at < sound.size(); at += at < sound.size() - 100 ? 37 : 1) {
    INFO(at);
    auto bytes = sound;
    bytes[at] ^= static_cast<char>(1 << at % 8);
    refused += look(bytes);
  }
  CHECK(refused > sound.size() / 37 - 5);
  for (std::size_t size = 0; size < sound.size(); size += 97) REQUIRE(look(sound.substr(0, size)));
  REQUIRE(look(sound + "x"));
}

TEST_CASE("a damaged frame leaves the others readable", "[seekable]") {
  const TempDir temp;
  const auto text = text_of(150'000);
  const auto packed = compressed(temp, text);
  auto bytes = read_file(packed);
  bytes[bytes.size() / 2] ^= 4;  // in the second of three
  write(packed, bytes);
  auto file = open(packed);
  std::string part(100, '\0');
  for (int i = 0; i < 2; ++i) {
    CHECK(file.read(part.data(), part.size(), 65'000) == part.size());
    CHECK(part == text.substr(65'000, 100));
    CHECK_THROWS_AS(file.read(part.data(), part.size(), 70'000), Error);
  }
  CHECK(file.read(part.data(), part.size(), 140'000) == part.size());
  CHECK(part == text.substr(140'000, 100));
}

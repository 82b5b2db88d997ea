// SPDX-License-Identifier: Apache-2.0
// The fuzz targets without a fuzzer, in every build: `fuzz_replay CORPUS` runs each on its corpus, on that with a byte
// changed here and there, and cut. So they compile, and what a fuzzer once found stays found.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

// clang-format off
#define TARGETS(X) X(policy) X(record) X(note) X(slots) X(config) X(seekable) X(question) X(index) X(rotations)
// clang-format on
#define DECLARE(name) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
TARGETS(DECLARE)

namespace {

using Target = int (*)(const std::uint8_t*, std::size_t);

void run(Target target, const std::string& input) {
  target(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

int replay(const char* name, Target target, const std::filesystem::path& corpus) {
  constexpr int kTries = 300;
  int inputs = 0;
  std::mt19937 random(7);
  for (const auto& file : std::filesystem::directory_iterator(corpus / name)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string sound{std::istreambuf_iterator<char>(in), {}};
    run(target, sound);
    for (int i = 0; i < kTries; ++i) {
      auto changed = sound;
      if (!changed.empty()) changed[random() % changed.size()] ^= static_cast<char>(1U << random() % 8);
      if (i % 4 == 0) changed.resize(random() % (changed.size() + 1));
      run(target, changed);
    }
    ++inputs;
  }
  std::printf("%s: %d inputs\n", name, inputs);
  return inputs == 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int without = 0;
#define REPLAY(name) without += replay(#name, fuzz_##name, argv[1]);
  TARGETS(REPLAY)
  return without;
}

// SPDX-License-Identifier: Apache-2.0
// Goal: no compressed segment, however damaged, makes its reader crash, take memory without end, or give more text than
// its table promises. Method: the input is the file; it is read from several places.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "store/error.h"
#include "store/seekable.h"

using namespace ward::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Fd fd(::memfd_create("segment", MFD_CLOEXEC));
  if (!fd || ::write(fd.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    SeekableFile file(std::move(fd), "segment");
    std::string block(100'000, '\0');
    for (const std::uint64_t at :
         {std::uint64_t{0}, file.size() / 2, file.size() - std::min<std::uint64_t>(file.size(), 9)}) {
      const auto got = file.read(block.data(), block.size(), at);
      if (got != std::min<std::uint64_t>(block.size(), file.size() - at)) std::abort();
    }
    if (file.read(block.data(), block.size(), file.size()) != 0) std::abort();
  } catch (const Error&) {
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "store/seekable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "store/error.h"
#include "store/owned.h"

namespace ward::store {
namespace {

constexpr std::size_t kFrame = 64 << 10;  // of text
constexpr int kLevel = 9;
constexpr std::uint32_t kSkippable = 0x184D2A5E, kSeekable = 0x8F92EAB1;
constexpr std::size_t kHead = 8, kEntry = 8, kFoot = 9;

using Compressor = std::unique_ptr<ZSTD_CCtx, Deleter<ZSTD_freeCCtx>>;

void put(std::string& out, std::uint32_t value) {  // little-endian
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}

std::uint32_t get(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

std::size_t must(std::size_t result, const std::filesystem::path& path) {
  if (ZSTD_isError(result)) throw Error(Code::io, "compress " + path.string() + ": " + ZSTD_getErrorName(result));
  return result;
}

}  // namespace

void compress_seekable(const std::filesystem::path& from, std::uint64_t size, const std::filesystem::path& to) {
  const Fd in = open_file(from, O_RDONLY), out = open_file(to, O_WRONLY | O_CREAT | O_TRUNC);
  Unfinished unfinished(to);
  const Compressor context(ZSTD_createCCtx());
  must(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel), to);
  must(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1), to);
  std::string text(kFrame, '\0'), packed(ZSTD_compressBound(kFrame), '\0'), table;
  for (std::uint64_t at = 0; at < size;) {
    const auto want = std::min<std::uint64_t>(kFrame, size - at);
    if (read_at(in.get(), text.data(), want, at, from) != want)
      throw Error(Code::io, from.string() + " became shorter while it was compressed");
    const auto length = must(ZSTD_compress2(context.get(), packed.data(), packed.size(), text.data(), want), to);
    write_all(out.get(), {packed.data(), length}, to);
    put(table, static_cast<std::uint32_t>(length));
    put(table, static_cast<std::uint32_t>(want));
    at += want;
  }
  std::string frame;
  put(frame, kSkippable);
  put(frame, static_cast<std::uint32_t>(table.size() + kFoot));
  frame += table;
  put(frame, static_cast<std::uint32_t>(table.size() / kEntry));
  frame += '\0';  // descriptor: no checksums in the table, the frames have their own
  put(frame, kSeekable);
  write_all(out.get(), frame, to);
  sync_data(out.get(), to);
  unfinished.keep();
}

void SeekableFile::damaged(const std::string& what) const {
  throw Error(Code::corrupt, path_.string() + ": " + what);
}

SeekableFile::SeekableFile(Fd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0) throw_errno("stat " + path_.string());
  const auto whole = static_cast<std::uint64_t>(st.st_size);
  std::string foot(kFoot, '\0');
  if (whole < kHead + kFoot || read_at(fd_.get(), foot.data(), kFoot, whole - kFoot, path_) != kFoot ||
      get(foot, 5) != kSeekable || foot[4] != '\0')
    damaged("it doesn't end in a table of frames");
  const std::uint64_t frames = get(foot, 0), size = kHead + frames * kEntry + kFoot;
  std::string table(std::min(size, whole), '\0');
  if (size > whole || read_at(fd_.get(), table.data(), size, whole - size, path_) != size ||
      get(table, 0) != kSkippable || get(table, 4) != size - kHead)
    damaged("its table of frames is damaged");
  for (std::size_t i = 0; i < frames; ++i) {
    const std::uint64_t packed = get(table, kHead + i * kEntry), text = get(table, kHead + i * kEntry + 4);
    if (text == 0 || text > kFrame) damaged("its table of frames is damaged");
    ends_.push_back({ends_.back().file + packed, ends_.back().text + text});
  }
  if (ends_.back().file != whole - size) damaged("its table of frames is of another file");
}

void SeekableFile::load(std::size_t frame) {
  if (loaded_ == frame) return;
  loaded_ = 0;
  const End& start = ends_[frame - 1];
  std::string packed(ends_[frame].file - start.file, '\0');
  if (read_at(fd_.get(), packed.data(), packed.size(), start.file, path_) != packed.size())
    damaged("it became shorter");
  text_.resize(ends_[frame].text - start.text);
  const auto got = ZSTD_decompress(text_.data(), text_.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) || got != text_.size())
    damaged("the frame at byte " + std::to_string(start.file) + " is damaged" +
            (ZSTD_isError(got) ? std::string(": ") + ZSTD_getErrorName(got) : ""));
  loaded_ = frame;
}

std::size_t SeekableFile::read(void* into, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size && offset < this->size()) {
    const auto after = std::ranges::upper_bound(ends_, offset, {}, &End::text);
    const auto frame = static_cast<std::size_t>(after - ends_.begin());
    load(frame);
    const auto skip = offset - ends_[frame - 1].text;
    const auto length = std::min<std::size_t>(size - done, text_.size() - skip);
    std::memcpy(static_cast<char*>(into) + done, text_.data() + skip, length);
    done += length;
    offset += length;
  }
  return done;
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
#include "store/slots.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "store/error.h"

namespace ward::store {

/// 16 KiB, native byte order: the file never leaves its machine. A slot is in use when handle != 0; ranges beyond
/// `count` are unfinished stores and don't count.
struct SlotImage {
  std::uint64_t handle, artifact, draft, version, writes, part, requests, count;
  Range ranges[1020];
};
static_assert(sizeof(SlotImage) == 16384);

namespace {
constexpr std::size_t kChunk = 64;  // slots mapped and allocated at once
constexpr std::size_t kChunkBytes = kChunk * sizeof(SlotImage);
constexpr std::uint64_t kFull = 1000;  // ranges per record

/// The stores before it are in the mapping before the store after it: what a killed process leaves is in order.
void publish_order() {
  std::atomic_signal_fence(std::memory_order_release);
}

SlotContent content_of(const SlotImage& image) {
  SlotContent content;
  content.key = {image.handle, image.artifact, image.draft, image.version, image.writes != 0};
  content.part = image.part;
  content.requests = image.requests;
  const auto n = std::min<std::uint64_t>(image.count, std::size(image.ranges));
  content.ranges = coalesce({image.ranges, image.ranges + n});
  return content;
}
}  // namespace

std::vector<Range> coalesce(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.offset < b.offset; });
  std::vector<Range> merged;
  for (const Range& range : ranges) {
    if (range.length == 0) continue;
    if (!merged.empty() && range.offset <= merged.back().offset + merged.back().length) {
      const auto end = std::max(merged.back().offset + merged.back().length, range.offset + range.length);
      merged.back().length = end - merged.back().offset;
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

Slots::Slots(const std::filesystem::path& file) : fd_(open_file(file, O_RDWR | O_CREAT)), file_(file) {
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0) throw_errno("stat " + file.string());
  const auto chunks = static_cast<std::size_t>(st.st_size) / kChunkBytes;
  for (std::size_t i = 0; i < chunks; ++i) grow();
}

Slots::~Slots() {
  for (void* chunk : chunks_) ::munmap(chunk, kChunkBytes);
}

void Slots::grow() {
  const auto offset = static_cast<off_t>(chunks_.size() * kChunkBytes);
  // Real blocks, not a hole: touching a hole on a full disk would kill the daemon with SIGBUS.
  if (const int err = ::posix_fallocate(fd_.get(), offset, kChunkBytes); err != 0)
    throw_errno("allocate " + file_.string(), err);
  void* chunk = ::mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), offset);
  if (chunk == MAP_FAILED) throw_errno("map " + file_.string());
  chunks_.push_back(chunk);
  for (std::size_t i = kChunk; i-- > 0;) free_.push_back((chunks_.size() - 1) * kChunk + i);
}

SlotImage* Slots::at(std::size_t index) const {
  return static_cast<SlotImage*>(chunks_[index / kChunk]) + index % kChunk;
}

std::vector<SlotContent> Slots::left_behind() const {
  const std::scoped_lock lock(mutex_);
  std::vector<SlotContent> found;
  for (std::size_t i = 0; i < chunks_.size() * kChunk; ++i)
    if (at(i)->handle != 0 && at(i)->count != 0) found.push_back(content_of(*at(i)));
  return found;
}

void Slots::clear() {
  const std::scoped_lock lock(mutex_);
  for (void* chunk : chunks_)
    for (std::size_t i = 0; i < kChunk; ++i) (static_cast<SlotImage*>(chunk) + i)->handle = 0;
}

std::unique_ptr<Slots::Notes> Slots::claim(const SlotKey& key) {
  const std::scoped_lock lock(mutex_);
  if (free_.empty()) grow();
  const auto index = free_.back();
  auto notes = std::make_unique<Notes>(*this, index, key);
  free_.pop_back();
  return notes;
}

Slots::Notes::Notes(Slots& slots, std::size_t index, const SlotKey& key)
    : slots_(slots), index_(index), image_(slots.at(index)) {
  image_->count = 0;
  image_->artifact = key.artifact, image_->draft = key.draft, image_->version = key.version;
  image_->writes = key.writes ? 1 : 0, image_->part = 1, image_->requests = 0;
  publish_order();
  image_->handle = key.handle;
}

Slots::Notes::~Notes() {
  image_->handle = 0;
  const std::scoped_lock lock(slots_.mutex_);
  slots_.free_.push_back(index_);
}

void Slots::Notes::add(Range range, const std::function<void(const SlotContent&)>& spill) {
  const std::scoped_lock lock(mutex_);
  ++image_->requests;
  if (range.length == 0) return;
  if (image_->count > 0) {
    Range& last = image_->ranges[image_->count - 1];
    if (range.offset >= last.offset && range.offset <= last.offset + last.length) {
      last.length = std::max(last.length, range.offset + range.length - last.offset);
      return;
    }
  }
  if (image_->count == kFull) {
    --image_->requests;  // this one belongs to the next part
    hand_over(spill);
    image_->requests = 1;
  }
  image_->ranges[image_->count] = range;
  publish_order();
  ++image_->count;
}

void Slots::Notes::hand_over(const std::function<void(const SlotContent&)>& spill) {
  spill(content_of(*image_));
  image_->count = 0;
  image_->requests = 0;
  ++image_->part;
}

void Slots::Notes::flush(const std::function<void(const SlotContent&)>& spill) {
  const std::scoped_lock lock(mutex_);
  if (image_->requests != 0) hand_over(spill);
}

SlotContent Slots::Notes::content() const {
  const std::scoped_lock lock(mutex_);
  return content_of(*image_);
}

bool Slots::Notes::empty() const {
  const std::scoped_lock lock(mutex_);
  return image_->requests == 0;
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// Crash-safe notes of what open handles read and wrote: a mapped file with one slot per handle and direction. A range
// is in its slot before its bytes leave, survives kill -9, and becomes a record when the handle closes, when the slot
// is full, or when the next start drains the file. The format is in FORMAT.md.
#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "store/files.h"
#include "store/types.h"

namespace ward::store {

/// Merges overlapping and touching ranges; sorted by offset.
std::vector<Range> coalesce(std::vector<Range> ranges);

struct SlotImage;  // the bytes of a slot

/// Identity of a slot's handle, enough to write its record after a crash.
struct SlotKey {
  Id handle = 0, artifact = 0, draft = 0;
  std::uint64_t version = 0;
  bool writes = false;
  bool operator==(const SlotKey&) const = default;
};

struct SlotContent {
  SlotKey key;
  std::uint64_t part = 1, requests = 0;
  std::vector<Range> ranges;  // coalesced
};

/// Thread-safe.
class Slots {
 public:
  /// Opens or makes the file. Throws Error.
  explicit Slots(const std::filesystem::path& file);
  ~Slots();
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  /// Content of slots that a crash left behind; call once before the first claim(). They stay until clear().
  std::vector<SlotContent> left_behind() const;
  void clear();

  /// One handle's notes in one direction. Thread-safe. Frees its slot on destruction.
  class Notes {
   public:
    Notes(Slots& slots, std::size_t index, const SlotKey& key);
    ~Notes();
    Notes(const Notes&) = delete;
    Notes& operator=(const Notes&) = delete;
    /// Notes a request. When the slot is full, `spill` gets the content so far and records it (it may throw: then the
    /// request must fail); afterwards the slot starts empty with the next part number.
    void add(Range range, const std::function<void(const SlotContent&)>& spill);
    /// Hands over what there is, if anything, and starts empty with the next part: long-lived handles, now and then.
    void flush(const std::function<void(const SlotContent&)>& spill);
    SlotContent content() const;
    bool empty() const;

   private:
    void hand_over(const std::function<void(const SlotContent&)>& spill);

    Slots& slots_;
    std::size_t index_;
    SlotImage* image_;
    mutable std::mutex mutex_;
  };
  /// Throws Error{no_space} when the disk has no room for another slot.
  std::unique_ptr<Notes> claim(const SlotKey& key);

 private:
  friend class Notes;
  void grow();
  SlotImage* at(std::size_t index) const;

  Fd fd_;
  std::filesystem::path file_;
  mutable std::mutex mutex_;  // guards chunks_ and free_
  std::vector<void*> chunks_;
  std::vector<std::size_t> free_;
};

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The nouns of the store (glossary: FORMAT.md). Plain values, no behaviour beyond construction.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ward::store {

using Sequence = std::uint64_t;  // index of a record in the audit log, from 0
using Id = std::uint64_t;  // of an artifact, folder, handle or draft: the sequence of the record that made it; 0 = none
using Nanos = std::int64_t;  // nanoseconds since 1970-01-01 UTC
using Sha256 = std::string;  // 64 lower-case hex digits; "" = none

inline constexpr Id kRoot = 1;                             // the root folder: record 1 of every log
inline constexpr std::uint32_t kUnsetLogin = 4294967295U;  // loginuid of a process nobody logged in to start

enum class Kind { file, folder, symlink, fifo, socket, char_device, block_device };
enum class Outcome { success, failure };

/// A name in a folder. `name` is raw bytes (1..255, no '/' and no NUL); kernel names aren't always UTF-8.
struct Place {
  Id dir = 0;
  std::string name;
  bool operator==(const Place&) const = default;
};

/// Half-open byte range [offset, offset + length).
struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const Range&) const = default;
};

/// One version of one artifact.
struct VersionRef {
  Id artifact = 0;
  std::uint64_t version = 0;
  bool operator==(const VersionRef&) const = default;
  auto operator<=>(const VersionRef&) const = default;
};

}  // namespace ward::store

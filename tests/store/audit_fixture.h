// SPDX-License-Identifier: Apache-2.0
// What the audit log's tests share: a key, lines that start as records do, and a log of n of them.
#pragma once
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "store/audit_log.h"
#include "store/log_index.h"

namespace ward::tests {

inline const std::string kOrigin = "host.example/ward/0001";

inline store::SigningKey log_key() {
  std::array<unsigned char, 32> seed{};
  seed[0] = 7;
  return store::SigningKey::from_seed(seed);
}

inline std::string log_vkey() {
  return store::to_vkey({kOrigin, log_key().public_key()});
}

/// A short line for record `sequence`, different for every `salt`.
inline std::string log_line(store::Sequence sequence, const std::string& salt = "") {
  return R"({"@timestamp":"2026-11-23T10:04:05.123456Z","event":{"sequence":)" + std::to_string(sequence) +
         R"(,"action":"test"},"ward":{"salt":")" + salt + "\"}}";
}

inline void append_lines(store::AuditLog& log, store::Sequence count) {
  std::vector<std::string> batch;
  for (store::Sequence i = 0; i < count; ++i) batch.push_back(log_line(log.size() + i));
  log.append(batch);
}

/// A log with segments of `records` records, so that rolling takes no 65,536.
inline store::AuditLog open_log(const std::filesystem::path& folder, store::Sequence records = 65'536) {
  return {folder, kOrigin, log_key(), {records, 64 << 10, 16 << 10}};
}

/// The records that answer a question, with the index as far as it is good.
inline std::vector<std::string> answers(const std::filesystem::path& audit, const std::filesystem::path& index,
                                        const store::LogFilter& filter) {
  std::vector<std::string> found;
  for (const store::Segment& segment : store::segments(audit))
    store::candidates(index, segment, 0, filter, [&](std::string_view line) {
      if (filter.may_match(line) && filter.matches(line)) found.emplace_back(line);
    });
  return found;
}

}  // namespace ward::tests

// SPDX-License-Identifier: Apache-2.0
#include "store/ledger.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "store/crypto.h"
#include "store/merkle.h"
#include "store/record_json.h"
#include "store/record_write.h"

namespace ward::store {
namespace {

void report(const Record& record, const char* cause) {
  std::fprintf(stderr,
               "ward: record %llu is in the log but can't be applied to the catalog: %s; stopping. "
               "Mounting again replays it; if that fails too, run: ward fsck STORE\n",
               static_cast<unsigned long long>(record.sequence), cause);
}

/// A path too long for a record is cut: the catalog is to know what the log says, which is what a replay knows.
bool is_cut(const std::string& line) {
  return line.size() > kMaxPathText && line.find("_sha256\":") != std::string::npos;
}

}  // namespace

Ledger::Ledger(AuditLog& log, Catalog& catalog, std::string host, std::function<void(const Record&)> observe,
               std::function<void()> ending)
    : log_(log), catalog_(catalog), host_(std::move(host)), observe_(std::move(observe)), ending_(std::move(ending)) {}

void Ledger::append(std::span<Record> records, AuditLog::Space space) {
  std::vector<std::string> lines;
  lines.reserve(records.size());
  Sequence sequence = next();
  const Nanos time = now();
  for (Record& record : records) {
    record.sequence = sequence++;
    if (record.time == 0) record.time = time;
    record.salt = random64();
    lines.push_back(to_line(record, host_));
  }
  log_.append(lines, space);
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::optional<Record> read_back;
    if (is_cut(lines[i])) read_back = parse_line(lines[i]);
    const Record& record = read_back ? *read_back : records[i];
    try {
      catalog_.apply(record, i + 1 == records.size() ? log_.last_leaf() : hex(leaf_hash(lines[i])));
    } catch (const std::exception& error) {
      report(record, error.what());
      ending_();
      std::_Exit(70);
    }
    observe_(record);
  }
}

Nanos now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count() * 1000;
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// Goal: no refusal goes uncounted, however many there are and though the log takes none for a while.
// Method: more within a second than have a record each; the records that are due are put back and taken again.
#include "store/refusals.h"

#include "tests/catch.h"

using namespace ward::store;

namespace {

constexpr Nanos kSecond = 1'000'000'000;

Record refusal(const std::string& path) {
  Refusal payload;
  payload.action_name = "open";
  Record record;
  record.user.id = 7, record.path = path, record.rule = "default-deny", record.payload = payload;
  return record;
}

std::uint64_t counted(const std::vector<Record>& records) {
  std::uint64_t sum = 0;
  for (const Record& record : records) sum += std::get<Refusal>(record.payload).count;
  return sum;
}

}  // namespace

TEST_CASE("what couldn't be written is counted on") {
  Refusals refusals;
  std::uint64_t admitted = 0, made = 0;
  const auto refuse = [&](const std::string& path, int times, Nanos at) {
    for (int i = 0; i < times; ++i, ++made) admitted += refusals.admit(refusal(path), at) ? 1 : 0;
  };
  refuse("/a", 150, 0);
  for (int i = 0; i < 1000; ++i) refuse("/" + std::to_string(i), 1, 0);  // more than one user may have
  CHECK(admitted == Refusals::kOfUser);
  auto due = refusals.take(2 * kSecond, false);
  CHECK(due.size() == 2);
  CHECK(admitted + counted(due) == made);
  refusals.put_back(due);
  refuse("/a", 150, 2 * kSecond);
  due = refusals.take(4 * kSecond, false);
  CHECK(due.size() == 2);
  CHECK(admitted + counted(due) == made);
  CHECK(refusals.take(6 * kSecond, true).empty());
}

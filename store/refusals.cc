// SPDX-License-Identifier: Apache-2.0
#include "store/refusals.h"

#include <iterator>

namespace ward::store {
namespace {

constexpr Nanos kSecond = 1'000'000'000;
constexpr const char* kVarious = "refusals";

}  // namespace

bool Refusals::count(Second& second, const Record& refusal, Nanos now, std::uint64_t most) {
  // While some are counted the second goes on until take(): so none is forgotten.
  if (second.counted == 0 && now - second.began >= kSecond) second.began = now, second.seen = 0;
  if (++second.seen <= most) return true;
  ++second.counted;
  second.last = refusal;
  return false;
}

bool Refusals::admit(const Record& refusal, Nanos now) {
  const auto& payload = std::get<Refusal>(refusal.payload);
  auto& equal = equal_[{refusal.user.id, payload.action_name, refusal.path, refusal.rule}];
  if (!count(equal, refusal, now, kEqual)) return false;
  auto& all = of_user_[refusal.user.id];
  if (count(all, refusal, now, kOfUser)) return true;
  if (equal.seen == 1) equal_.erase({refusal.user.id, payload.action_name, refusal.path, refusal.rule});
  return false;
}

std::vector<Record> Refusals::take(Nanos now, bool all) {
  std::vector<Record> records;
  const auto over = [&](const Second& second) { return all || now - second.began >= kSecond; };
  const auto counted = [&](Second& second) -> Record& {
    std::get<Refusal>(second.last.payload).count = second.counted;
    return records.emplace_back(std::move(second.last));
  };
  for (auto& [kind, second] : equal_)
    if (second.counted > 0 && over(second)) counted(second);
  for (auto& [user, second] : of_user_) {
    if (second.counted == 0 || !over(second)) continue;
    Record& record = counted(second);
    auto& refusal = std::get<Refusal>(record.payload);
    record.path.clear(), record.rule.clear(), refusal.mode.clear();
    refusal.action_name = kVarious, refusal.artifact = refusal.version = 0;
    record.reason = "more than " + std::to_string(kOfUser) + " refusals within a second: these were counted only";
  }
  std::erase_if(equal_, [&](const auto& entry) { return over(entry.second); });
  std::erase_if(of_user_, [&](const auto& entry) { return over(entry.second); });
  return records;
}

void Refusals::put_back(std::span<const Record> counted) {
  for (const Record& record : counted) {
    const auto& payload = std::get<Refusal>(record.payload);
    auto& second = payload.action_name == kVarious
                       ? of_user_[record.user.id]
                       : equal_[{record.user.id, payload.action_name, record.path, record.rule}];
    second.counted += payload.count;
    second.last = record;
  }
}

}  // namespace ward::store

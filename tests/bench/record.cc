// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/record.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "store/ledger.h"
#include "tests/bench/bench.h"

namespace ward::bench {
namespace {

constexpr std::uint64_t kPeople = 50, kRefusals = 5'000, kPerProcess = 20;
constexpr store::Nanos kYear = 365LL * 86'400'000'000'000, kMicrosecond = 1'000;
constexpr std::uint64_t kSize = 104'857'600;
constexpr std::array kPrograms = {"/usr/bin/python3.11", "/usr/bin/cp", "/opt/serving/bin/loader"};

/// Neighbours are unlike each other, and the same number is always the same.
std::uint64_t mixed(std::uint64_t number) {
  number = (number ^ (number >> 31)) * 0x9e3779b97f4a7c15;
  return number ^ (number >> 29);
}

std::string entity(std::uint64_t number) {
  std::string text(16, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, number /= 16) *at = "0123456789abcdef"[number % 16];
  return text;
}

}  // namespace

store::Record open_record(store::Sequence sequence) {
  store::Open open;
  open.artifact = kFirstArtifact + sequence % kArtifacts, open.version = 3, open.sha256 = std::string(64, 'a'),
  open.size = kSize;
  open.handle = sequence, open.mode = "r", open.depth = "ranges";
  store::Record record;
  record.user = {1000, "ann", 1000, 1000, "ann"};
  record.process = {4711, "51d2e0b4c3a69788", "/usr/bin/python3.11"};
  record.path = "/models/resnet/model.safetensors";
  record.payload = open;
  record.policy = 1, record.rule = "everyone-works";
  return record;
}

Year::Year(std::span<const store::Id> artifacts, std::uint64_t count)
    : artifacts_(artifacts.begin(), artifacts.end()), time_(store::now() - kYear), step_(kYear / std::max(count, 1UL)) {
  if (!artifacts_.empty()) return;
  artifacts_.resize(kArtifacts);
  std::iota(artifacts_.begin(), artifacts_.end(), kFirstArtifact);
}

store::Record Year::record(store::Sequence sequence) {
  const auto visit = sequence / 2, process = mixed(sequence / kPerProcess);
  const auto person = static_cast<std::uint32_t>(process % kPeople);
  const std::string name = "user" + std::to_string(person);
  const auto which = visit % artifacts_.size();
  store::Record record = open_record(sequence);
  time_ += step_;
  record.time = time_ / kMicrosecond * kMicrosecond;
  record.user = {1000 + person, name, 1000, 1000 + person, name};
  record.process = {static_cast<std::int32_t>(process % 4'000'000), entity(process),
                    kPrograms[process % kPrograms.size()]};
  record.path = "/models/f" + std::to_string(which);
  auto& open = std::get<store::Open>(record.payload);
  open.artifact = artifacts_[which], open.sha256 = entity(mixed(which)) + std::string(48, 'a');
  if (sequence % kRefusals == 0) {
    record.reason = "forbidden by the policy", record.rule = "restricted";
    record.payload = store::Refusal{"open", open.artifact, open.version, "r", "EACCES", 1};
  } else if (sequence % 2 == 1) {
    record.payload =
        store::Read{open.artifact, open.version, open.sha256, sequence - 1, 1, true, 100, kSize, {{0, kSize}}};
  }
  return record;
}

}  // namespace ward::bench

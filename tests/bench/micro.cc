// SPDX-License-Identifier: Apache-2.0
// The inner loops of the audit log, one by one, for Google Benchmark: which part of a record's way costs what, and
// whether that grows with the log. An item is a record, except of `ask`: there it is a question. Loops that need a log
// on the disk stop at 100,000 records; what larger ones cost the rows `growth` of scripts/bench measure.
#include <benchmark/benchmark.h>

#include <map>

#include "policy/policy.h"
#include "store/checkpoint.h"
#include "store/init.h"
#include "store/ledger.h"
#include "store/log_index.h"
#include "store/log_keeper.h"
#include "store/log_key.h"
#include "store/record_json.h"
#include "store/recovery.h"
#include "store/segment_scan.h"
#include "tests/bench/bench.h"
#include "tests/bench/record.h"
#include "tests/temp_dir.h"

namespace ward::bench {
namespace {

constexpr std::int64_t kBatch = 10'000;  // records of a checkpoint
constexpr const char* kHost = "host";

/// A store whose log has that many records of opens.
class Log {
 public:
  explicit Log(std::uint64_t size) : folder_(dir_.path() / "store"), config_(make(folder_)) {
    std::vector<store::Record> batch;
    while (log_.size() < size) {
      batch.clear();
      for (auto next = log_.size(); next < size && batch.size() < 1'000; ++next) batch.push_back(open_record(next));
      ledger_.append(batch);
    }
    cover();
    std::filesystem::create_directory(index());
    store::look_after(audit(), index(), log_.size(), [] { return false; });
  }
  store::Ledger& ledger() { return ledger_; }
  std::filesystem::path audit() const { return folder_ / "audit"; }
  std::filesystem::path index() const { return folder_ / "index"; }
  void cover() {
    log_.sync();
    log_.checkpoint();
  }

 private:
  static store::Config make(const std::filesystem::path& folder) {
    store::InitOptions options;
    options.policy_text = policy::preset("allow-all");
    return store::init_store(folder, options);
  }

  const tests::TempDir dir_;
  const std::filesystem::path folder_;
  const store::Config config_;
  store::AuditLog log_{audit(), config_.origin, store::load_key(folder_, config_)};
  const std::unique_ptr<store::Catalog> catalog_ = store::open_catalog(folder_, log_);
  store::Ledger ledger_{log_, *catalog_, kHost, [](const store::Record&) {}};
};

/// Made once for each size: Google Benchmark calls a loop several times.
Log& log_of(std::int64_t size) {
  static std::map<std::int64_t, Log> logs;
  return logs.try_emplace(size, static_cast<std::uint64_t>(size)).first->second;
}

store::Hash leaf_of(std::uint64_t number) {
  store::Hash leaf{};
  for (std::size_t i = 0; i < sizeof number; ++i) leaf[i] = static_cast<unsigned char>(number >> (8 * i));
  return leaf;
}

/// A tree of that many leaves, whose full tiles are written already: nowhere.
const store::TileWriter& tree_of(std::int64_t size) {
  static std::map<std::int64_t, store::TileWriter> trees;
  auto& tree = trees.try_emplace(size, "").first->second;
  while (tree.size() < static_cast<std::uint64_t>(size)) {
    tree.append(leaf_of(tree.size()));
    if (tree.unwritten() == kBatch) tree.take_full();
  }
  tree.take_full();
  return tree;
}

store::Record recorded(store::Sequence sequence) {
  auto record = open_record(sequence);
  record.sequence = sequence, record.time = store::now(), record.salt = store::random64();
  return record;
}

void line(benchmark::State& state) {
  const auto record = recorded(1'000'000);
  for (auto _ : state) benchmark::DoNotOptimize(store::to_line(record, kHost));
  state.SetItemsProcessed(state.iterations());
}

void parse(benchmark::State& state) {
  const auto text = store::to_line(recorded(1'000'000), kHost);
  for (auto _ : state) benchmark::DoNotOptimize(store::parse_line(text));
  state.SetItemsProcessed(state.iterations());
}

void leaf(benchmark::State& state) {
  const auto text = store::to_line(recorded(1'000'000), kHost);
  for (auto _ : state) benchmark::DoNotOptimize(store::leaf_hash(text));
  state.SetItemsProcessed(state.iterations());
}

/// As live traffic does it: one record at a time, into the log, its list of leaves, and the catalog.
void append(benchmark::State& state) {
  auto& log = log_of(state.range(0));
  for (auto _ : state) {
    auto record = open_record(log.ledger().next());
    log.ledger().append({&record, 1});
  }
  state.SetItemsProcessed(state.iterations());
}

/// The tree over a batch, its tiles as bytes, and the signature: all of a checkpoint but the disk.
void tree(benchmark::State& state) {
  const auto& before = tree_of(state.range(0));
  static const auto key = store::SigningKey::generate();
  for (auto _ : state) {
    auto grown = before;
    for (std::int64_t i = 0; i < kBatch; ++i) grown.append(leaf_of(grown.size()));
    benchmark::DoNotOptimize(grown.take_full());
    benchmark::DoNotOptimize(grown.partial());
    benchmark::DoNotOptimize(store::sign_checkpoint({"host/ward/micro", grown.size(), grown.root()}, key));
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

/// What `ward audit verify` does with each line: its form and number, its hash. On all cores.
void verify(benchmark::State& state) {
  const auto segments = store::segments(log_of(state.range(0)).audit());
  std::size_t lines = 0;
  for (auto _ : state) {
    store::scan_segments(segments, [&](const store::SegmentScan& scan) {
      lines += scan.leaves.size();
      return scan.problem.empty();
    });
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(lines));
}

/// All records of one artifact, one in 1,000.
void ask(benchmark::State& state) {
  const auto& log = log_of(state.range(0));
  const auto segments = store::segments(log.audit());
  store::LogFilter filter;
  filter.artifact = kFirstArtifact + 500;
  std::size_t found = 0;
  for (auto _ : state)
    for (const auto& segment : segments)
      store::candidates(log.index(), segment, 0, filter, [&](std::string_view) { ++found; });
  if (found == 0) state.SkipWithError("no record was found");
  state.SetItemsProcessed(state.iterations());
}

void on_disk(benchmark::internal::Benchmark* loop) {
  loop->ArgName("records")->Arg(10'000)->Arg(100'000)->UseRealTime();
}

// `append` comes after the loops that read: it lets the logs grow.
BENCHMARK(line);
BENCHMARK(parse);
BENCHMARK(leaf);
BENCHMARK(tree)->ArgName("records")->RangeMultiplier(10)->Range(10'000, 10'000'000);
BENCHMARK(verify)->Apply(on_disk);
BENCHMARK(ask)->Apply(on_disk);
BENCHMARK(append)->Apply(on_disk);

}  // namespace
}  // namespace ward::bench

BENCHMARK_MAIN();

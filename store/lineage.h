// SPDX-License-Identifier: Apache-2.0
// What activities read before they wrote: the inputs of a save, observed. An activity is one program run by one process
// (boot, pid, start, exec). Pure bookkeeping over Caller values; time is a count of what happened here.
//
// What counts as an input of a version, from reads that precede its last write:
//   observed    the writing process read it itself, in the same program or in one it exec'd later (a shell's child
//   opens
//               the `> b` of `cat a > b` before it becomes cat). High; low for a shell that leads a session.
//   inherited   read by the writing process before it exec'd, or by an ancestor before the writer was first seen (which
//               stands for the fork). High when no exec lies between (the memory was copied), else low. Also, low: read
//               upstream in the writer's pipeline, which pipes between processes of one session tell.
//   descendant  read by a process below the writer (data-loader workers read, the parent saves). Low.
// A link between parent and child that is a job-control boundary (same session, another process group) carries nothing:
// commands of one interactive shell don't leak into each other through the shell. A new session does carry.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/process.h"
#include "store/record.h"

namespace ward::store {

/// Whether a path that a process read can be material of what it makes: false for programs' own parts (shared objects,
/// compiled Python, site-packages) and version-control internals.
bool is_material(std::string_view path);

/// Leaves as many inputs in a commit as fit into a record; the others are for `inputs` records right behind it.
std::vector<Inputs> split_inputs(Commit& commit);

/// Not thread-safe: the monitor's lock guards it; only now() may be called without.
class Lineage {
 public:
  using Tick = std::uint64_t;
  static constexpr Tick kAlways = std::numeric_limits<Tick>::max();
  /// Bounds of the memory: what was used least recently goes first.
  struct Limits {
    std::size_t activities = 10'000;
    std::size_t reads_per_activity = 100'000;  // the most recent ones stay
    std::size_t reads = 1'000'000;             // of all activities, about 150 bytes each
  };

  Lineage() : Lineage(Limits{}) {}
  explicit Lineage(const Limits& limits) : limits_(limits) {}
  Lineage(const Lineage&) = delete;
  Lineage& operator=(const Lineage&) = delete;

  /// Registers the caller's activity; due at each open. True when it is new, so that its `process` record is due too.
  /// A caller that isn't known is ignored (false).
  bool seen(const Caller& caller);
  /// The `process` record couldn't be written: it is due again at the caller's next open.
  void not_recorded(const Caller& caller);
  /// The activity opened `what` for reading, or read it; registers the activity as seen() does. The first read of a
  /// version is the one that counts.
  void read(const Caller& caller, VersionRef what);
  /// The activity read something that has these labels, be it a version or not (scratch, an unsealed draft).
  void read_labelled(const Caller& caller, std::span<const std::string> labels);
  /// Inputs of `output` with the writers' entity ids; `last_write` is what now() said at the last write, so that later
  /// reads don't count. Sorted by artifact and version, one basis each: the one of highest confidence, then the most
  /// direct. Never `output` itself nor a later version of it; an earlier one counts.
  /// `labels`: those of what was read by the same processes, as far as it counts as an input.
  std::vector<Input> inputs(std::span<const std::string> writers, VersionRef output, Tick last_write = kAlways,
                            std::set<std::string>* labels = nullptr) const;

  /// The tick of the last event. Thread-safe, a load.
  Tick now() const { return now_.load(std::memory_order_relaxed); }
  std::size_t activities() const { return activities_.size(); }
  std::size_t reads() const { return reads_; }

 private:
  /// A process over all its execs. Start times tell two users of one pid apart.
  struct Key {
    std::int32_t pid;
    std::uint64_t start;
    auto operator<=>(const Key&) const = default;
  };
  struct Above {
    Key key;
    std::uint64_t exec_mark;
  };
  struct Activity {
    std::string id;
    Key key{};
    std::uint64_t exec_mark = 0;
    std::int32_t session = 0, group = 0;
    bool due = false;          // its record couldn't be written
    bool shell = false;        // leads a session and is a shell: long-lived, does many unrelated things
    std::vector<Above> above;  // ancestors, nearest first, up to a job-control boundary
    std::uint64_t pipe_in = 0, pipe_out = 0;
    Tick joined = 0;                     // first sight
    std::map<VersionRef, Tick> reads;    // the first read of each
    std::map<std::string, Tick> labels;  // the first read of something that has it
    std::deque<VersionRef> recent;       // keys of reads, oldest first
    std::list<const Activity*>::iterator used;
  };
  using Group = std::set<const Activity*>;
  class Gathering;

  /// True when it is new.
  bool registered(const Caller& caller);
  Tick tick() { return now_.fetch_add(1, std::memory_order_relaxed) + 1; }
  Activity& add(const Caller& caller);
  void touch(const Activity& activity);
  void forget_oldest_read(Activity& activity);
  void forget(const Activity& activity);
  void shrink();
  const Group& execs_of(const Key& process) const;
  const Group& below(const Key& process) const;
  void own_reads(const Activity& writer, Tick until, Gathering& into) const;
  void ancestors_reads(const Activity& writer, Tick until, Gathering& into) const;
  void descendants_reads(const Activity& writer, Tick until, Gathering& into) const;
  void pipeline_reads(const Activity& writer, Tick until, Gathering& into) const;
  Group upstream_of(const Activity& reader) const;

  Limits limits_;
  std::atomic<Tick> now_ = 0;
  std::size_t reads_ = 0;
  std::unordered_map<std::string, Activity> activities_;  // by entity id; its nodes stay where they are
  std::list<const Activity*> used_;                       // least recently used first
  std::map<Key, Group> processes_;                        // the execs of each process
  std::map<Key, Group> below_;                            // activities by each of their ancestors
  std::map<std::int32_t, Group> pipers_;                  // activities that write into a pipe, by session
};

}  // namespace ward::store

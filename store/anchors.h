// SPDX-License-Identifier: Apache-2.0
// Takes checkpoints out of the store's reach: runs the commands of [[anchor]] in ward.toml with a checkpoint as their
// stdin, and keeps what they print as audit/anchors/<records>.<name>, beside the checkpoint itself. A witness's
// cosignature, a time stamp, a mail: what an anchor is worth is decided by who checks it (witnesses.h).
#pragma once
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/anchor_config.h"
#include "store/child.h"
#include "store/files.h"
#include "store/record.h"

namespace ward::store {

/// Each command has a thread of its own and runs at most once in its `every` (after a restart as the files kept tell),
/// and only when the log has grown by other records than those of anchors; one that failed again after a minute, then
/// two, four and so on, but never later than `every`. Thread-safe.
class Anchors {
 public:
  /// Records one run and returns the record's sequence. Called from the commands' threads; may throw
  /// Error.
  using Recorder = std::function<Sequence(const Anchor& run, const std::string& path, const std::string& reason)>;

  /// `origin` of the log, for the commands' environment.
  Anchors(std::filesystem::path audit, std::string origin, const std::vector<AnchorCommand>& commands, Recorder record);
  /// Kills what runs.
  ~Anchors();
  Anchors(const Anchors&) = delete;
  Anchors& operator=(const Anchors&) = delete;

  /// There is a new checkpoint. Waits for no command.
  void offer(const std::string& checkpoint);
  /// Runs every command once more, if there is something new, whatever its `every` says, and waits for them: at most
  /// for what is running and one more timeout. Nothing is run afterwards. True when something ran, and was recorded.
  bool finish();

 private:
  struct Runner;
  struct Offered {
    std::string text;
    std::uint64_t size = 0, others = 0;  // records that it covers, and how many of them aren't anchors'
  };

  void run(Runner& runner);
  struct Run {
    Anchor record;
    std::string path = "/@@/audit/checkpoint", reason;
  };

  void run_once(Runner& runner, const Offered& checkpoint);
  ChildRequest request_for(const Runner& runner, const Offered& checkpoint) const;
  Run execute(const Runner& runner, const Offered& checkpoint);
  std::string keep(const Runner& runner, const Offered& checkpoint, const std::string& output);

  const std::filesystem::path audit_;
  const std::string origin_;
  const Recorder record_;
  Fd stop_, stopped_;  // a pipe: closing its end stops the running commands

  std::mutex files_mutex_;  // one writer of <records>.checkpoint at a time

  std::mutex mutex_;  // guards all below, and the runners' states; held while a run is recorded
  std::condition_variable wake_, idle_;
  Offered offered_;
  std::deque<Sequence> uncovered_;  // records of anchors that no offered checkpoint covers yet
  std::uint64_t covered_ = 0;       // those that one does
  bool stopping_ = false, finishing_ = false, ran_last_ = false;
  std::vector<std::unique_ptr<Runner>> runners_;  // last: their threads end first
};

}  // namespace ward::store

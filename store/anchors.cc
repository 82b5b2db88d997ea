// SPDX-License-Identifier: Apache-2.0
#include "store/anchors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "store/checkpoint.h"
#include "store/crypto.h"
#include "store/error.h"
#include "store/segments.h"

namespace ward::store {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
constexpr std::chrono::seconds kRetry = 60s;
constexpr std::size_t kMostReason = 500;  // bytes

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return std::string(name) + "=" + (value != nullptr ? value : otherwise);
}

/// Begins the names of the files about a checkpoint, as it does those of segments.
std::string stem_of(std::uint64_t size) {
  return std::filesystem::path(segment_name(size)).stem().string();
}

std::string first_line(const std::string& text) {
  return text.substr(0, std::min(text.find('\n'), kMostReason));
}

/// How long ago the command printed what was kept last; nullopt when nothing was.
std::optional<std::chrono::seconds> age_of_last(const std::filesystem::path& folder, const std::string& name) {
  using FileClock = std::filesystem::file_time_type::clock;
  std::optional<std::chrono::seconds> youngest;
  std::error_code none;
  for (std::filesystem::directory_iterator file(folder, none), end; !none && file != end; file.increment(none)) {
    if (file->path().extension() != "." + name) continue;
    const auto age = std::chrono::ceil<std::chrono::seconds>(FileClock::now() - file->last_write_time());
    youngest = std::min(youngest.value_or(age), std::max(age, 0s));
  }
  return youngest;
}

/// How a run ended, as its record says it, but for what it printed.
Anchor outcome_of(const ChildResult& child) {
  Anchor run;
  run.code = child.code;
  switch (child.end) {
    case ChildEnd::exited:
      run.result = child.code == 0 ? "done" : "exit";
      break;
    case ChildEnd::signalled:
      run.result = "signal";
      break;
    case ChildEnd::timed_out:
      run.result = "timeout";
      break;
    case ChildEnd::too_long:
      run.result = "too-long";
      break;
    case ChildEnd::not_started:
      run.result = "not-started";
      break;
  }
  return run;
}

}  // namespace

struct Anchors::Runner {
  AnchorCommand command;
  std::uint64_t others = 0;      // Offered::others of the checkpoint of the last good run
  Clock::time_point next{};      // when it may run again
  std::chrono::seconds pause{};  // after the last failure
  bool running = false, last_done = false;
  std::thread thread;
};

Anchors::Anchors(std::filesystem::path audit, std::string origin, const std::vector<AnchorCommand>& commands,
                 Recorder record)
    : audit_(std::filesystem::absolute(audit)), origin_(std::move(origin)), record_(std::move(record)) {
  if (commands.empty()) return;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe");
  stopped_ = Fd(ends[0]), stop_ = Fd(ends[1]);
  for (const auto& command : commands) {
    runners_.push_back(std::make_unique<Runner>());
    runners_.back()->command = command;
    const auto age = age_of_last(audit_ / "anchors", command.name);
    if (age && *age < command.every) runners_.back()->next = Clock::now() + command.every - *age;
  }
  for (const auto& runner : runners_) runner->thread = std::thread([this, &runner = *runner] { run(runner); });
}

Anchors::~Anchors() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stop_ = Fd();
  wake_.notify_all();
  for (const auto& runner : runners_) runner->thread.join();
}

void Anchors::offer(const std::string& checkpoint) {
  if (runners_.empty() || checkpoint.empty()) return;
  const auto size = parse_checkpoint(parse_note(checkpoint)).size;
  const std::scoped_lock lock(mutex_);
  if (size <= offered_.size) return;
  for (; !uncovered_.empty() && uncovered_.front() < size; uncovered_.pop_front()) ++covered_;
  offered_ = {checkpoint, size, size - covered_};
  wake_.notify_all();
}

bool Anchors::finish() {
  std::unique_lock lock(mutex_);
  finishing_ = true;
  wake_.notify_all();
  idle_.wait(lock, [this] { return std::ranges::all_of(runners_, [](const auto& each) { return each->last_done; }); });
  return ran_last_;
}

void Anchors::run(Runner& runner) {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !runner.last_done) {
    const bool grown = offered_.others > runner.others, last = finishing_;
    if (grown && (last || Clock::now() >= runner.next)) {
      const auto checkpoint = offered_;
      lock.unlock();
      run_once(runner, checkpoint);
      lock.lock();
      if (last) ran_last_ = runner.last_done = true;
    } else if (last) {
      runner.last_done = true;
    } else if (grown) {
      wake_.wait_until(lock, runner.next);
    } else {
      wake_.wait(lock);
    }
  }
  runner.last_done = true;
  idle_.notify_all();
}

/// Puts what the command printed into a file that names the checkpoint, which lies beside it. Returns its path for
/// people.
std::string Anchors::keep(const Runner& runner, const Offered& checkpoint, const std::string& output) {
  const std::scoped_lock one_at_a_time(files_mutex_);
  const auto folder = audit_ / "anchors";
  if (std::filesystem::create_directory(folder)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    sync_folder(audit_);
  }
  const auto stem = stem_of(checkpoint.size);
  write_durably(folder / (stem + ".checkpoint"), checkpoint.text);
  write_durably(folder / (stem + "." + runner.command.name), output);
  return "/@@/audit/anchors/" + stem + "." + runner.command.name;
}

ChildRequest Anchors::request_for(const Runner& runner, const Offered& checkpoint) const {
  ChildRequest request;
  request.command = runner.command.command;
  request.environment = {variable("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                         variable("LANG", "C.UTF-8"), "WARD_ORIGIN=" + origin_,
                         "WARD_CHECKPOINT_SIZE=" + std::to_string(checkpoint.size), "WARD_AUDIT=" + audit_.string()};
  request.input = checkpoint.text;
  request.timeout = runner.command.timeout;
  request.stop = stopped_.get();
  return request;
}

/// Runs the command and keeps what it printed. Never throws for what the disk or the system refuses.
Anchors::Run Anchors::execute(const Runner& runner, const Offered& checkpoint) {
  Run run;
  run.record.result = "not-started";
  try {
    const auto child = run_child(request_for(runner, checkpoint));
    run.record = outcome_of(child);
    run.reason = first_line(child.error);
    if (run.record.result != "done" || child.output.empty()) return run;
    run.record.result = "not-stored";
    run.path = keep(runner, checkpoint, child.output);
    run.record.result = "stored";
    run.record.sha256 = hex(sha256(child.output));
  } catch (const std::exception& error) {
    run.reason = first_line(error.what());
  }
  return run;
}

void Anchors::run_once(Runner& runner, const Offered& checkpoint) {
  const auto began = Clock::now();
  auto run = execute(runner, checkpoint);
  run.record.name = runner.command.name;
  run.record.checkpoint = checkpoint.size;
  const bool failed = run.record.failed();
  if (!failed) run.reason.clear();
  if (failed && run.reason.empty()) run.reason = "the command said nothing on stderr";
  const std::scoped_lock lock(mutex_);  // before the record: no checkpoint over it is offered until we know of it
  try {
    uncovered_.push_back(record_(run.record, run.path, run.reason));
  } catch (const std::exception& error) {  // a full disk: what keeps the log from growing is told by those who serve
    std::fprintf(stderr, "ward: the anchor %s isn't recorded: %s\n", run.record.name.c_str(), error.what());
  }
  if (!failed) runner.others = checkpoint.others;
  runner.pause = failed ? std::min(runner.command.every, std::max(kRetry, 2 * runner.pause)) : 0s;
  runner.next = began + (failed ? runner.pause : runner.command.every);
}

}  // namespace ward::store

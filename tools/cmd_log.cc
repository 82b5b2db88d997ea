// SPDX-License-Identifier: Apache-2.0
// log: the audit records of a path, or of the whole mount: chosen, and printed as a table, as they are, or for other
// programs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "store/ledger.h"
#include "tools/commands.h"
#include "tools/log_filter.h"
#include "tools/log_print.h"
#include "tools/mounts.h"

namespace ward::tools {
namespace {

struct LogOptions {
  std::string path = ".";
  bool given = false;  // a path was named
  bool jsonl = false, follow = false;
  std::string format = "table", pattern, since, until, outcome;
  LogFilter filter;
};

/// The segments of the whole log that hold records, oldest first: their names begin with their first record's number.
std::vector<std::filesystem::path> segments(const InMount& place, std::error_code& error) {
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entry(place.root / "@@/audit", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".jsonl" && entry->file_size(error) > 0) files.push_back(entry->path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Reads files that grow: each line once.
class Reader {
 public:
  explicit Reader(std::function<void(const std::string&)> use) : use_(std::move(use)) {}
  /// What came since the last call; false (and errno) when the file can't be read.
  bool read(const std::filesystem::path& file) {
    if (file != name_) {
      file_ = open_growing(file);
      name_ = file;
      rest_.clear();
    }
    return file_ && file_->read_on([this](std::string_view block) {
      for (std::size_t end; (end = block.find('\n')) != block.npos; block.remove_prefix(end + 1)) {
        rest_ += block.substr(0, end);
        use_(rest_);
        rest_.clear();
      }
      rest_ += block;
    });
  }

 private:
  std::function<void(const std::string&)> use_;
  std::filesystem::path name_;
  std::unique_ptr<GrowingFile> file_;
  std::string rest_;
};

Exit log(const LogOptions& options) {
  const auto place = find_mount(options.path);
  if (!place) return not_in_mount(options.path);
  const auto printer = make_printer(options.format);
  const bool whole = !options.given || place->is_root();
  Reader reader([&](const std::string& line) {
    if (!options.filter.may_match(line)) return;
    const auto record = nlohmann::json::parse(line, nullptr, false);
    if (options.filter.matches(record)) printer->print(line);
  });
  std::filesystem::path last;
  for (;;) {
    std::error_code error;
    const auto files = whole ? segments(*place, error) : std::vector{place->governance("audit.jsonl")};
    if (error) return unreadable(*place, options.path, error.value());
    for (const auto& file : files) {
      if (file < last) continue;
      if (!reader.read(file)) return unreadable(*place, options.path, errno);
      last = file;
    }
    std::cout.flush();
    if (!options.follow || !std::cout) return Exit::ok;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

/// What is wrong with the words; "" when nothing is.
std::string complete(LogOptions& options) {
  if (options.jsonl) options.format = "jsonl";
  if (make_printer(options.format) == nullptr)
    return "--format: table, jsonl, csv or ocsf, not \"" + options.format + "\"";
  const auto when = [](const std::string& word, const char* name, bool end, std::string& into) -> std::string {
    if (word.empty()) return "";
    const auto time = parse_when(word, store::now(), end);
    if (!time)
      return std::string(name) + ": a time as 2026-11-23T10:04:05Z, a date, or how long ago (90d, 12h, 30m), not \"" +
             word + "\"";
    into = *time;
    return "";
  };
  if (auto bad = when(options.since, "--since", false, options.filter.since); !bad.empty()) return bad;
  if (auto bad = when(options.until, "--until", true, options.filter.until); !bad.empty()) return bad;
  if (options.outcome == "ok" || options.outcome == "success") options.filter.outcome = "success";
  if (options.outcome == "refused" || options.outcome == "failure") options.filter.outcome = "failure";
  if (!options.outcome.empty() && options.filter.outcome.empty())
    return "--outcome: success or failure, not \"" + options.outcome + "\"";
  if (!options.pattern.empty()) {
    auto compiled = policy::Glob::compile(options.pattern);
    if (const auto* wrong = std::get_if<std::string>(&compiled)) return "--path: " + *wrong;
    options.filter.path = std::get<policy::Glob>(std::move(compiled));
  }
  return "";
}

}  // namespace

void add_log(CLI::App& app, Action& action) {
  const auto options = std::make_shared<LogOptions>();
  LogFilter& filter = options->filter;
  auto* command = app.add_subcommand("log", "The audit records of a path, or of the whole mount");
  auto* path = command->add_option("PATH", options->path,
                                   "A path in a mount (its own records, found by an index); without one, or for the "
                                   "mount's root: all records of the mount that the current folder is in");
  command->add_option("--user", filter.user, "Who did it: name or number");
  command->add_option("--login-user", filter.login_user, "Who logged in, behind sudo: name or number");
  command->add_option("--path", options->pattern, "Path in the record: a pattern as in policies, /models/**");
  command->add_option("--since", options->since,
                      "From then on: 2026-11-23T10:04:05Z, 2026-11-23, or 90d, 12h, 30m ago");
  command->add_option("--until", options->until, "Until then, that second or day included");
  command->add_option("--action", filter.actions, "open, read, write, commit, delete, …; several with commas")
      ->delimiter(',');
  command->add_option("--outcome", options->outcome, "success or failure");
  command->add_option("--process", filter.process, "Executable, its name, pid, or entity id");
  command->add_option("--artifact", filter.artifact, "Records that name the artifact with this number");
  command->add_option("--sha256", filter.sha256, "Of the version, or how it begins");
  command->add_option("--format", options->format, "table (default), jsonl, csv, or ocsf (File System Activity 1.8)");
  command->add_flag("--jsonl", options->jsonl, "The records as they are: --format jsonl");
  command->add_flag("--follow", options->follow, "Then go on with what is recorded, until interrupted");
  command->callback([&action, options, path] {
    options->given = path->count() != 0;
    action = [options] {
      if (const auto wrong = complete(*options); !wrong.empty()) return fail(Exit::usage, wrong);
      return log(*options);
    };
  });
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// log: the audit records of a path, or of the whole mount: chosen, and printed as a table, as they are, or for other
// programs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "store/ledger.h"
#include "store/log_question.h"
#include "tools/commands.h"
#include "tools/log_print.h"
#include "tools/mounts.h"

namespace ward::tools {
namespace {

using Conditions = std::vector<std::pair<std::string, std::string>>;

struct LogOptions {
  std::string path = ".";
  bool given = false;  // a path was named
  bool jsonl = false, follow = false;
  std::string format = "table";
  Conditions conditions;  // option and value, as they were written
  store::LogFilter filter;
};

/// The file of the mount that answers with the whole log's records, or with some more when its name would be too long.
std::string question(const LogOptions& options) {
  auto conditions = options.conditions;
  for (auto& [key, value] : conditions)  // "90d" is counted back from one moment
    if (key == "since" || key == "until") value = key == "since" ? options.filter.since : options.filter.until;
  for (;;) {
    if (const auto name = store::question_name(conditions)) return "audit/find/" + *name;
    conditions.erase(std::ranges::max_element(conditions, {}, [](const auto& one) { return one.second.size(); }));
  }
}

/// Calls `use` with each line of what the file has had since the last call; false (and errno) when it can't be read.
bool read_lines(const GrowingFile& file, std::string& rest, const std::function<void(const std::string&)>& use) {
  return file.read_on([&](std::string_view block) {
    for (std::size_t end; (end = block.find('\n')) != block.npos; block.remove_prefix(end + 1)) {
      rest += block.substr(0, end);
      use(rest);
      rest.clear();
    }
    rest += block;
  });
}

Exit log(const LogOptions& options) {
  const auto place = find_mount(options.path);
  if (!place) return not_in_mount(options.path);
  const bool whole = !options.given || place->is_root();
  const InMount root{place->root, place->root};
  const auto file = open_growing(whole ? root.governance(question(options)) : place->governance("audit.jsonl"));
  if (!file) return unreadable(*place, options.path, errno);
  const auto printer = make_printer(options.format);
  printer->begin();
  for (std::string rest;;) {
    const bool read = read_lines(*file, rest, [&](const std::string& line) {
      if (options.filter.may_match(line) && options.filter.matches(line)) printer->print(line);
    });
    if (!read) return unreadable(*place, options.path, errno);
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
  for (const auto& [key, value] : options.conditions)
    if (const auto wrong = store::add_condition(options.filter, key, value, store::now()); !wrong.empty())
      return "--" + key + ": " + wrong;
  return "";
}

}  // namespace

void add_log(CLI::App& app, Action& action) {
  const auto options = std::make_shared<LogOptions>();
  auto* command = app.add_subcommand("log", "The audit records of a path, or of the whole mount");
  auto* path = command->add_option("PATH", options->path,
                                   "A path in a mount (its own records, found by an index); without one, or for the "
                                   "mount's root: all records of the mount that the current folder is in");
  const auto condition = [&](const std::string& key, const std::string& help) {
    return command->add_option_function<std::vector<std::string>>(
        "--" + key,
        [options, key](const std::vector<std::string>& values) {
          for (const auto& value : values) options->conditions.emplace_back(key, value);
        },
        help);
  };
  condition("user", "Who did it: name or number")->expected(1);
  condition("login-user", "Who logged in, behind sudo: name or number")->expected(1);
  condition("path", "Path in the record: a pattern as in policies, /models/**")->expected(1);
  condition("since", "From then on: 2026-11-23T10:04:05Z, 2026-11-23, or 90d, 12h, 30m ago")->expected(1);
  condition("until", "Until then, that second or day included")->expected(1);
  condition("action", "open, read, write, commit, delete, …; several with commas")->delimiter(',');
  condition("outcome", "success or failure")->expected(1);
  condition("process", "Executable, its name, pid, or entity id")->expected(1);
  condition("artifact", "Records that name the artifact with this number")->expected(1);
  condition("sha256", "Of the version, or how it begins")->expected(1);
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

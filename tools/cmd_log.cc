// SPDX-License-Identifier: Apache-2.0
// log: the audit records of a path, or of the whole mount, as a table or as they are.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <iostream>
#include <memory>

#include "tools/commands.h"
#include "tools/log_table.h"
#include "tools/mounts.h"

namespace ward::tools {
namespace {

struct LogOptions {
  std::string path = ".";
  bool given = false;  // a path was named
  bool jsonl = false;
};

/// The segments of the whole log, oldest first: their names begin with their first record's number.
std::vector<std::filesystem::path> segments(const InMount& place, std::error_code& error) {
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entry(place.root / "@@/audit", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".jsonl") files.push_back(entry->path());
  std::sort(files.begin(), files.end());
  return files;
}

Exit log(const LogOptions& options) {
  const auto place = find_mount(options.path);
  if (!place) return not_in_mount(options.path);
  const bool whole = !options.given || place->is_root();
  std::error_code error;
  const auto files = whole ? segments(*place, error) : std::vector{place->governance("audit.jsonl")};
  if (error) return unreadable(*place, options.path, error.value());
  bool first = !options.jsonl;
  for (const auto& file : files) {
    const bool read = for_each_line(file, [&](const std::string& line) {
      if (first) std::cout << log_header() << '\n';
      first = false;
      std::cout << (options.jsonl ? line : log_line(line)) << '\n';
    });
    if (!read) return unreadable(*place, options.path, errno);
  }
  std::cout.flush();
  return Exit::ok;
}

}  // namespace

void add_log(CLI::App& app, Action& action) {
  const auto options = std::make_shared<LogOptions>();
  auto* command = app.add_subcommand("log", "The audit records of a path, or of the whole mount");
  auto* path = command->add_option("PATH", options->path,
                                   "A path in a mount; without one, or for the mount's root: all records of the mount "
                                   "that the current folder is in");
  command->add_flag("--jsonl", options->jsonl, "The records as they are, one JSON object per line");
  command->callback([&action, options, path] {
    options->given = path->count() != 0;
    action = [options] { return log(*options); };
  });
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// status, versions, lineage, retention, why: comfortable ways to read the virtual files of a mount. They can do
// nothing that `cat` can't, and what they read is decided and recorded as for anybody.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <iostream>
#include <memory>

#include "tools/commands.h"
#include "tools/mounts.h"

namespace ward::tools {
namespace {

Exit print(const InMount& place, const std::filesystem::path& file, const std::string& path) {
  const auto text = slurp(file);
  if (!text) return unreadable(place, path, errno);
  std::cout << *text << std::flush;
  return Exit::ok;
}

/// Prints PATH@@/name.
Exit show(const std::string& path, const std::string& name) {
  const auto place = find_mount(path);
  return place ? print(*place, place->governance(name), path) : not_in_mount(path);
}

/// Prints ROOT/@@/name of the mount that the path is in.
Exit show_of_mount(const std::string& path, const std::string& name) {
  const auto place = find_mount(path);
  return place ? print(*place, place->root / "@@" / name, path) : not_in_mount(path);
}

CLI::App* with_path(CLI::App& app, const std::string& name, const std::string& help, std::string& path) {
  auto* command = app.add_subcommand(name, help);
  command->add_option("PATH", path, "A path in a mount")->required();
  return command;
}

}  // namespace

void add_look(CLI::App& app, Action& action) {
  const auto path = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);

  auto* status = app.add_subcommand("status", "What a mount is, and how it is doing");
  status->add_option("MOUNTPOINT", *path, "Where it is mounted")->required();
  status->callback([&action, path] { action = [path] { return show_of_mount(*path, "status"); }; });

  with_path(app, "versions", "The versions of a file: when, by whom, which bytes", *path)->callback([&action, path] {
    action = [path] { return show(*path, "versions.txt"); };
  });

  auto* lineage = with_path(app, "lineage", "What a file was made from, and what was made from it", *path);
  lineage->add_flag("--json", *json, "As JSON");
  lineage->callback(
      [&action, path, json] { action = [path, json] { return show(*path, *json ? "lineage.json" : "lineage.txt"); }; });

  with_path(app, "retention", "How long a file is kept, and by which rule", *path)->callback([&action, path] {
    action = [path] { return show(*path, "retention"); };
  });

  auto* why = app.add_subcommand("why", "Why you were refused: which rule of which policy, and who could allow it");
  why->add_option("PATH", *path, "Any path in the mount (default: the current folder)");
  why->callback([&action, path] { action = [path] { return show_of_mount(path->empty() ? "." : *path, "why"); }; });
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// The command `ward`: reads the command line, runs one command, and turns what went wrong into one line and an exit
// code. This is one of the two places in the program that catch exceptions (the other answers the kernel).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>

#include "fs/session.h"
#include "store/error.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"

namespace ward::tools {
namespace {

Exit exit_of(store::Code code) {
  switch (code) {
    case store::Code::io:
      return Exit::failure;
    case store::Code::no_space:
    case store::Code::no_reserve:
      return Exit::no_space;
    case store::Code::busy:
      return Exit::busy;
    case store::Code::corrupt:
      return Exit::damaged;
    case store::Code::format:
      return Exit::format;
    case store::Code::config:
      return Exit::config;
    case store::Code::missing_key:
      return Exit::missing_key;
    case store::Code::usage:
      return Exit::usage;
    case store::Code::too_many:
    case store::Code::too_large:
      return Exit::failure;
  }
  return Exit::failure;
}

/// `mount -t fuse.ward STORE MOUNTPOINT -o …` runs `ward STORE MOUNTPOINT -o …` by way of mount.fuse3, or a link named
/// mount.fuse.ward; this makes it `ward mount STORE …`.
std::vector<std::string> arguments(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto is_command = [&app](const std::string& word) {
    for (const auto* command : app.get_subcommands({}))
      if (command->get_name() == word) return true;
    return false;
  };
  const bool helper = std::filesystem::path(argv[0]).filename().string().rfind("mount.", 0) == 0;
  const bool two_paths = words.size() >= 2 && words[0].find('/') != std::string::npos && words[1].rfind('-', 0) != 0;
  if (helper || (two_paths && !is_command(words[0]))) words.insert(words.begin(), "mount");
  std::reverse(words.begin(), words.end());  // CLI11 takes them off the end
  return words;
}

Exit run(int argc, char** argv) {
  CLI::App app(
      "WardFS keeps artifacts on an ordinary mounted path: every save is a version, every access is decided by policy "
      "and recorded. Append @@/ to a path in the mount to see its governance.",
      "ward");
  app.set_version_flag("--version", std::string("ward ") + WARD_VERSION + " with " + fs::library());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 2 wrong command line, 3 no store, 5 in use, 8 damaged, 12 log not verified; all of\n"
      "them are in tools/exit_codes.h.");
  Action action;
  add_init(app, action);
  add_mount(app, action);
  add_umount(app, action);
  add_look(app, action);
  add_log(app, action);
  add_audit(app, action);
  add_check(app, action);
  try {
    app.parse(arguments(app, argc, argv));
    return action();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? Exit::ok : Exit::usage;  // prints the help or what is wrong
  } catch (const store::Error& error) {
    return fail(exit_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(Exit::failure, "out of memory");
  } catch (const std::exception& error) {
    return fail(Exit::failure, error.what());
  }
}

}  // namespace
}  // namespace ward::tools

int main(int argc, char** argv) {
  return static_cast<int>(ward::tools::run(argc, argv));
}

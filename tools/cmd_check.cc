// SPDX-License-Identifier: Apache-2.0
// fsck, rebuild, policy check: what is run on a store that isn't mounted, or on a file.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "policy/policy.h"
#include "store/files.h"
#include "store/fsck.h"
#include "store/offline.h"
#include "tools/check_policy.h"
#include "tools/commands.h"
#include "tools/terminal.h"

namespace ward::tools {
namespace {

const char* name_of(store::Severity severity) {
  switch (severity) {
    case store::Severity::note:
      return "note";
    case store::Severity::warning:
      return "warning";
    case store::Severity::error:
      return "ERROR";
  }
  return "";
}

Exit fsck(const std::string& store) {
  store::FsckReport report;
  {
    ProgressLine progress;
    report = store::fsck(store, progress.callback());
  }
  for (const auto& finding : report.findings) {
    std::cout << name_of(finding.severity) << ": " << finding.what << "\n";
    if (!finding.advice.empty()) std::cout << "  -> " << finding.advice << "\n";
  }
  const store::Maintenance command{"fsck", report.sound() ? "sound" : "damaged", report.findings.size()};
  if (const auto why_not = store::record_command(store, command); !why_not.empty())
    std::cout << "note: this check isn't recorded: " << why_not << "\n";
  std::cout << (report.sound() ? "ok: " : "NOT sound: ") << report.records << " records, " << report.versions
            << " versions, " << report.objects << " objects (" << human_bytes(report.bytes) << ")" << std::endl;
  return report.sound() ? Exit::ok : Exit::damaged;
}

Exit rebuild(const std::string& store) {
  store::Sequence records = 0;
  {
    ProgressLine progress;
    records = store::rebuild(store, progress.callback());
  }
  std::cout << "rebuilt the catalog from " << records << " records" << std::endl;
  return Exit::ok;
}

Exit check_policy(const std::string& file) {
  const auto text = store::read_file(file);
  if (const auto error = policy_error(text, file); !error.empty()) return fail(Exit::policy, error);
  const auto policy = std::get<policy::Policy>(policy::parse(text));
  std::cout << "ok: " << file << " is a policy; its " << policy::test_count(policy) << " tests hold" << std::endl;
  return Exit::ok;
}

}  // namespace

void add_check(CLI::App& app, Action& action) {
  const auto path = std::make_shared<std::string>();
  auto* check = app.add_subcommand("fsck", "Check an unmounted store: log, objects, catalog, drafts, history");
  check->add_option("STORE", *path, "The store's folder")->required();
  check->footer("Changes nothing but the log, which records the check. Exit code 8 when something is wrong.");
  check->callback([&action, path] { action = [path] { return fsck(*path); }; });

  auto* again = app.add_subcommand("rebuild", "Rebuild an unmounted store's catalog from its log");
  again->add_option("STORE", *path, "The store's folder")->required();
  again->footer("Loses nothing: the log is the truth and the catalog follows from it. The log records who did it.");
  again->callback([&action, path] { action = [path] { return rebuild(*path); }; });

  auto* policy = app.add_subcommand("policy", "Work with policies");
  policy->require_subcommand(1);
  auto* file = policy->add_subcommand("check", "Check a policy before it is activated: its syntax, and its own tests");
  file->add_option("FILE", *path, "A policy in TOML")->required();
  file->callback([&action, path] { action = [path] { return check_policy(*path); }; });
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// audit verify: for auditors, on any copy of an audit folder; needs neither a mount nor the store.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "store/audit_verify.h"
#include "store/checkpoint.h"
#include "store/error.h"
#include "store/files.h"
#include "store/offline.h"
#include "tools/commands.h"

namespace ward::tools {
namespace {

struct VerifyWords {
  std::string folder, key, checkpoint;
};

/// A store has its log in audit/; anything else is taken for a copy of that folder.
std::filesystem::path audit_folder(const std::filesystem::path& given) {
  std::error_code ignored;
  return std::filesystem::is_directory(given / "audit", ignored) ? given / "audit" : given;
}

const char* say(store::Verdict verdict) {
  switch (verdict) {
    case store::Verdict::verified:
      return "verified";
    case store::Verdict::self_consistent_only:
      return "self-consistent only: the key comes from the same folder as the log, so a forger could have made both; "
             "give the key that `ward init` printed (--key) or a checkpoint kept elsewhere (--checkpoint)";
    case store::Verdict::key_mismatch:
      return "NOT verified: it isn't signed with this key";
    case store::Verdict::no_checkpoint:
      return "NOT verified: there is no signed checkpoint";
    case store::Verdict::damaged:
      return "NOT verified: it isn't what was signed";
  }
  return "";
}

/// As the log says it.
const char* word_for(store::Verdict verdict) {
  switch (verdict) {
    case store::Verdict::verified:
      return "verified";
    case store::Verdict::self_consistent_only:
      return "self-consistent";
    case store::Verdict::key_mismatch:
      return "key-mismatch";
    case store::Verdict::no_checkpoint:
      return "no-checkpoint";
    case store::Verdict::damaged:
      return "damaged";
  }
  return "";
}

/// Checking a store is an event in it; of a copy nobody there knows. An auditor may only read it.
std::string record(const std::filesystem::path& store, const store::Maintenance& command) {
  if (command.result == "damaged") return "a damaged log is left as it is";
  try {
    return store::record_command(store, command);
  } catch (const store::Error& error) {
    return error.what();
  }
}

Exit exit_of(store::Verdict verdict) {
  switch (verdict) {
    case store::Verdict::verified:
      return Exit::ok;
    case store::Verdict::self_consistent_only:
      return Exit::self_consistent;
    case store::Verdict::key_mismatch:
    case store::Verdict::no_checkpoint:
    case store::Verdict::damaged:
      return Exit::not_verified;
  }
  return Exit::not_verified;
}

/// What is wrong with the key or the checkpoint that the auditor brought; "" when nothing is. Without this a slip of
/// the pen would look like a damaged log.
std::string input_error(const store::VerifyRequest& request) {
  try {
    if (request.vkey) static_cast<void>(store::parse_vkey(*request.vkey));
    if (request.kept) static_cast<void>(store::parse_checkpoint(store::parse_note(*request.kept)));
  } catch (const store::Error& error) {
    return error.what();
  }
  return "";
}

Exit verify(const VerifyWords& words) {
  store::VerifyRequest request;
  request.audit = audit_folder(words.folder);
  if (!words.key.empty()) request.vkey = words.key;
  if (!words.checkpoint.empty()) request.kept = store::read_file(words.checkpoint);
  if (const auto error = input_error(request); !error.empty()) return fail(Exit::usage, error);
  const auto result = store::verify_audit(request);
  for (const auto& problem : result.problems) std::cerr << "ward: " << problem << "\n";
  for (const auto& note : result.notes) std::cout << "note: " << note << "\n";
  if (std::filesystem::exists(std::filesystem::path(words.folder) / "ward.toml")) {
    const store::Maintenance command{"audit verify", word_for(result.verdict), result.problems.size()};
    const auto why_not = record(words.folder, command);
    if (!why_not.empty()) std::cout << "note: this check isn't recorded: " << why_not << "\n";
  }
  std::cout << say(result.verdict) << "\n"
            << result.records << " records, " << result.covered << " of them covered by the signed checkpoint"
            << std::endl;
  return exit_of(result.verdict);
}

}  // namespace

void add_audit(CLI::App& app, Action& action) {
  auto* audit = app.add_subcommand("audit", "Check the audit log (see also: log)");
  audit->require_subcommand(1);
  const auto words = std::make_shared<VerifyWords>();
  auto* command = audit->add_subcommand("verify", "Check that an audit log is complete and unchanged");
  command->add_option("STORE-OR-AUDIT-FOLDER", words->folder, "A store, or a copy of MOUNT/@@/audit")->required();
  command->add_option("--key", words->key, "The verifier key that `ward init` printed, kept elsewhere")
      ->type_name("VKEY");
  command->add_option("--checkpoint", words->checkpoint, "A checkpoint that you kept: the log must continue from it")
      ->type_name("FILE");
  command->footer(
      "Exit codes: 0 verified, 11 self-consistent only (neither key nor checkpoint given), 12 not verified.");
  command->callback([&action, words] { action = [words] { return verify(*words); }; });
}

}  // namespace ward::tools

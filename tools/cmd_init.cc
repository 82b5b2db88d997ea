// SPDX-License-Identifier: Apache-2.0
// init: makes a store, and tells its owner which key to keep elsewhere.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "policy/policy.h"
#include "store/crypto_pkcs11.h"
#include "store/files.h"
#include "store/init.h"
#include "tools/check_policy.h"
#include "tools/commands.h"

namespace ward::tools {
namespace {

struct InitWords {
  std::string store, preset = "team", policy, origin, key;
};

Exit init(const InitWords& words) {
  store::InitOptions options;
  options.policy_name = words.policy.empty() ? "preset " + words.preset : words.policy;
  options.policy_text = words.policy.empty() ? policy::preset(words.preset) : store::read_file(words.policy);
  options.origin = words.origin;
  options.key = words.key;
  if (const auto error = policy_error(options.policy_text, options.policy_name); !error.empty())
    return fail(Exit::policy, error);
  const auto config = store::init_store(words.store, options);
  std::cout
      << "made the store " << words.store << " with the policy of " << options.policy_name
      << "\n\nThe log's verifier key, with which anybody can check that the audit log is complete and unchanged:\n\n  "
      << config.vkey
      << "\n\nKeep this elsewhere, not in the store: a key that is copied with the log proves nothing.\n"
         "Next: ward mount "
      << words.store << " MOUNTPOINT\n";
  return Exit::ok;
}

}  // namespace

void add_init(CLI::App& app, Action& action) {
  const auto words = std::make_shared<InitWords>();
  auto* command = app.add_subcommand("init", "Make a store");
  command->add_option("STORE", words->store, "A folder that doesn't exist yet, or is empty")->required();
  auto* preset =
      command->add_option("--preset", words->preset, "The first policy: one that a small team can keep, or none")
          ->check(CLI::IsMember({"team", "allow-all"}))
          ->capture_default_str();
  command->add_option("--policy", words->policy, "The first policy: a file of your own")->excludes(preset);
  command->add_option("--origin", words->origin, "Name of the audit log (default: host/ward/uuid)");
  command
      ->add_option(
          "--key", words->key,
          "PKCS#11 URI of an Ed25519 key in a token, which then signs the log (default: a new key in the store)")
      ->check([](const std::string& key) {
        return store::is_token_key(key) ? "" : "--key takes a URI that begins with pkcs11:";
      })
      ->type_name("URI");
  command->footer(
      "A key in a token: --key 'pkcs11:token=TOKEN;object=OBJECT?module-path=MODULE&pin-source=file:/PATH'. The URI "
      "is\n"
      "written into ward.toml; the file with the PIN must be closed to others. To make such a key:\n"
      "  pkcs11-tool --module MODULE --token-label TOKEN --login --keypairgen --key-type EC:edwards25519 \\\n"
      "    --label OBJECT --id 01");
  command->callback([&action, words] { action = [words] { return init(*words); }; });
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// audit rotate-key: another key signs the log from now on.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "store/key_rotation.h"
#include "tools/commands.h"

namespace ward::tools {
namespace {

struct RotateWords {
  std::string store, key;
};

Exit rotate(const RotateWords& words) {
  const auto config = store::rotate_key(words.store, words.key);
  std::cout << "the log is signed with another key now; keep its verifier key elsewhere, beside the one before:\n  "
            << config.vkey << std::endl;
  return Exit::ok;
}

}  // namespace

void add_rotate(CLI::App& audit, Action& action) {
  const auto words = std::make_shared<RotateWords>();
  auto* command = audit.add_subcommand("rotate-key", "Replace the key that signs the log");
  command->add_option("STORE", words->store, "A store that isn't mounted")->required();
  command->add_option("--key", words->key, "PKCS#11 URI of an Ed25519 key pair in a token; default: a new key in STORE")
      ->type_name("URI");
  command->footer(
      "The old and the new key sign the record of it, so that who holds either verifies the whole log. Proofs and\n"
      "checkpoints of before stay good under the old verifier key. The old private key is deleted from STORE.");
  command->callback([&action, words] { action = [words] { return rotate(*words); }; });
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// audit cosign: gets a witness's cosignature on a checkpoint. Made to be the command of an [[anchor]], and works by
// hand.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <iterator>
#include <memory>

#include "store/error.h"
#include "store/files.h"
#include "store/witnesses.h"
#include "tools/audit_folder.h"
#include "tools/commands.h"
#include "tools/witness.h"

namespace ward::tools {
namespace {

struct CosignWords {
  std::string folder, url, key, since;
  bool from_stdin = false;
  unsigned timeout = 30;
};

std::string slurp_stdin() {
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

/// How many records the witness knows, as far as we know that.
std::uint64_t known_size(const CosignWords& words, const CosignRequest& request) {
  const auto origin = store::parse_checkpoint(store::parse_note(request.checkpoint)).origin;
  if (!words.since.empty()) {
    const auto since = store::parse_checkpoint(store::parse_note(store::read_file(words.since)));
    if (since.origin != origin)
      throw store::Error(store::Code::usage, words.since + " is a checkpoint of another log, " + since.origin);
    return since.size;
  }
  return store::largest_cosigned(request.audit, origin, request.witness,
                                 static_cast<std::uint64_t>(std::time(nullptr)));
}

Exit run_cosign(const CosignWords& words) {
  CosignRequest request;
  try {
    request.witness = store::parse_vkey(words.key, store::KeyType::cosignature);
  } catch (const store::Error& error) {
    return fail(Exit::usage, std::string("--key: ") + error.what());
  }
  const char* anchored = words.folder.empty() ? std::getenv("WARD_AUDIT") : nullptr;
  const auto folder =
      anchored != nullptr ? std::optional<std::filesystem::path>(anchored) : audit_folder_or_here(words.folder);
  if (!folder) return fail(Exit::usage, kNoFolder);
  request.audit = *folder;
  request.url = words.url;
  request.timeout = std::chrono::seconds(words.timeout);
  request.checkpoint =
      words.from_stdin || anchored != nullptr ? slurp_stdin() : store::read_file(*folder / "checkpoint");
  try {
    request.old = known_size(words, request);
    std::cout << cosign(request) << std::flush;
    return Exit::ok;
  } catch (const store::Error& error) {
    if (error.code() != store::Code::corrupt) throw;
    return fail(Exit::not_verified, error.what());
  }
}

}  // namespace

void add_cosign(CLI::App& audit, Action& action) {
  const auto words = std::make_shared<CosignWords>();
  auto* command = audit.add_subcommand("cosign", "Ask a witness to cosign the checkpoint of now");
  command->add_option("STORE-OR-AUDIT-FOLDER", words->folder, "Default: the log of the mount that you are in");
  command->add_option("--witness", words->url, "Where it takes checkpoints (its submission prefix), http or https")
      ->required()
      ->type_name("URL");
  command->add_option("--key", words->key, "The witness's verifier key (type 04)")->required()->type_name("VKEY");
  command->add_option("--since", words->since, "The checkpoint that it cosigned last, if you know better than anchors/")
      ->type_name("FILE");
  command->add_flag("--stdin", words->from_stdin, "Read the checkpoint from stdin; the folder still has the tiles");
  command->add_option("--timeout", words->timeout, "Seconds for each of at most two requests")
      ->check(CLI::Range(1U, 600U))
      ->type_name("N");
  command->footer(
      "C2SP tlog-witness. Prints the checkpoint with the cosignature; check it with: ward audit verify --witness "
      "VKEY.\n"
      "As the command of an [[anchor]] in ward.toml it reads the checkpoint from stdin and finds the log by itself.\n"
      "Exit codes: 0 cosigned, 1 no usable answer, 12 the witness says that the log was rewritten, or signs wrongly.");
  command->callback([&action, words] { action = [words] { return run_cosign(*words); }; });
}

}  // namespace ward::tools

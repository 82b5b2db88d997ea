// SPDX-License-Identifier: Apache-2.0
// audit verify, audit prove, audit timestamp (audit cosign is in cmd_cosign.cc): for auditors, on any copy of an audit
// folder; needs neither a mount nor the store.
#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <memory>

#include "store/audit_verify.h"
#include "store/checkpoint.h"
#include "store/crypto_time.h"
#include "store/error.h"
#include "store/files.h"
#include "store/json_text.h"
#include "store/key_history.h"
#include "store/offline.h"
#include "store/proof.h"
#include "tools/audit_folder.h"
#include "tools/commands.h"
#include "tools/witnessed.h"

namespace ward::tools {
namespace {

struct VerifyWords {
  std::string folder, key, checkpoint, range, proof, line, timestamp, authorities;
  std::vector<std::string> witnesses;
  unsigned quorum = 0;
};

struct StampWords {
  std::string folder, prefix;
};

struct ProveWords {
  store::Sequence record = 0;
  std::string folder;
};

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
std::string input_error(const store::VerifyRequest& request, const std::string& checkpoint) {
  try {
    if (request.vkey) static_cast<void>(store::parse_vkey(*request.vkey));
  } catch (const store::Error& error) {
    return std::string("--key: ") + error.what();
  }
  try {
    if (request.kept) static_cast<void>(store::parse_checkpoint(store::parse_note(*request.kept)));
  } catch (const store::Error& error) {
    return checkpoint + ": " + error.what();
  }
  return "";
}

/// Which records of a damaged log are still proved to be those that were signed; "" when none is.
std::string still_good(const store::VerifyRequest& request, const store::Verification& result) {
  if (!result.signature_good) return "";
  if (result.lines_hold) return "all lines";
  std::string text;
  const auto add = [&](store::Sequence from, store::Sequence to) {
    store::Sequence good = 0;
    try {
      if (from < to) good = store::verify_range(request, from, to).records;
    } catch (const store::Error&) {  // as damaged as was said
    }
    if (good == 0) return;
    text += (text.empty() ? "records " : ", ") + std::to_string(from) + "-" + std::to_string(from + good - 1);
  };
  const auto end = result.bad_line ? result.bad_line->sequence : result.records;
  add(result.pruned, end);
  if (result.bad_line) add(end + 1, UINT64_MAX);
  return text;
}

/// FIRST-LAST as [FIRST, LAST + 1).
std::optional<std::pair<store::Sequence, store::Sequence>> parse_range(const std::string& text) {
  std::pair<store::Sequence, store::Sequence> range;
  const char *at = text.data(), *end = at + text.size();
  const auto first = std::from_chars(at, end, range.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
  const auto last = std::from_chars(first.ptr + 1, end, range.second);
  if (last.ec != std::errc() || last.ptr != end || range.second < range.first || range.second == UINT64_MAX)
    return std::nullopt;
  ++range.second;
  return range;
}

/// The key that signed the proof's checkpoint, if the trusted one is one of the log's; only a folder tells of others.
store::VerifierKey key_of(const store::Proof& proof, const VerifyWords& words) {
  const auto trusted = store::parse_vkey(words.key);
  if (words.folder.empty()) return trusted;
  const auto size = store::parse_checkpoint(store::parse_note(proof.checkpoint)).size;
  return store::KeyHistory::load(audit_folder(words.folder)).in_force(size, trusted);
}

/// A proof stands for itself. The folder that it is from is asked for replaced keys only.
Exit verify_proof(const VerifyWords& words) {
  if (words.key.empty()) return fail(Exit::usage, "a proof is worth nothing without the verifier key (--key)");
  store::VerifyRequest request;
  request.vkey = words.key;
  if (const auto error = input_error(request, ""); !error.empty()) return fail(Exit::usage, error);
  store::Proof proof;
  store::VerifierKey key;
  try {
    proof = store::parse_proof(store::read_file(words.proof));
    key = key_of(proof, words);
  } catch (const store::Error& error) {
    if (error.code() != store::Code::corrupt) throw;
    std::cout << "NOT verified: " << words.proof << ": " << error.what() << std::endl;
    return Exit::not_verified;
  }
  if (words.line.empty() && !proof.line)
    return fail(Exit::usage, words.proof + " holds no line: give the one that it should prove (--line)");
  auto line = words.line.empty() ? *proof.line : store::read_file(words.line);
  if (line.ends_with('\n')) line.pop_back();
  if (const auto why_not = store::refute(proof, line, key); !why_not.empty()) {
    std::cout << "NOT verified: " << why_not << std::endl;
    if (words.folder.empty())
      std::cout << "If the log's key was replaced, name the store or a copy of its audit folder too" << std::endl;
    return Exit::not_verified;
  }
  std::cout << "verified: record " << proof.index << " of " << key.name << "\n" << line << std::endl;
  return Exit::ok;
}

Exit prove(const ProveWords& words) {
  const auto folder = audit_folder_or_here(words.folder);
  if (!folder) return fail(Exit::usage, kNoFolder);
  std::cout << store::to_text(store::prove(*folder, words.record, true)) << std::flush;
  return Exit::ok;
}

/// The checkpoint of now, and the question to a time stamp authority that goes with it.
Exit stamp(const StampWords& words) {
  const auto folder = audit_folder_or_here(words.folder);
  if (!folder) return fail(Exit::usage, kNoFolder);
  const auto checkpoint = store::read_file(*folder / "checkpoint");
  static_cast<void>(store::parse_checkpoint(store::parse_note(checkpoint)));
  store::write_durably(words.prefix + ".checkpoint", checkpoint, 0644);
  store::write_durably(words.prefix + ".tsq", store::timestamp_request(checkpoint), 0644);
  std::cout << "send " << words.prefix << ".tsq to an authority (curl -H 'Content-Type: application/timestamp-query' "
            << "--data-binary @" << words.prefix << ".tsq URL > " << words.prefix << ".tsr), and keep all three"
            << std::endl;
  return Exit::ok;
}

/// Says when the kept checkpoint was stamped; false, having said why, when that isn't shown.
bool check_stamp(const VerifyWords& words) {
  try {
    std::string text;
    const auto reply = store::read_file(words.timestamp), checkpoint = store::read_file(words.checkpoint);
    store::append_time(text, store::check_timestamp(reply, checkpoint, words.authorities), 6);
    std::cout << "the kept checkpoint was stamped at " << text.substr(0, 19) << "Z\n";
    return true;
  } catch (const store::Error& error) {
    if (error.code() != store::Code::corrupt) throw;
    std::cerr << "ward: " << words.timestamp << ": " << error.what() << "\n";
    return false;
  }
}

Exit verify(const VerifyWords& words) {
  if (!words.proof.empty() && !words.witnesses.empty())
    return fail(Exit::usage, "--witness is about a log, --proof about a record");
  if (!words.proof.empty()) return verify_proof(words);
  if (words.folder.empty()) return fail(Exit::usage, "name a store or an audit folder, or a proof (--proof)");
  store::VerifyRequest request;
  request.audit = audit_folder(words.folder);
  if (!words.key.empty()) request.vkey = words.key;
  if (!words.checkpoint.empty()) request.kept = store::read_file(words.checkpoint);
  if (const auto error = input_error(request, words.checkpoint); !error.empty()) return fail(Exit::usage, error);
  std::optional<std::pair<store::Sequence, store::Sequence>> range;
  if (!words.range.empty() && !(range = parse_range(words.range)))
    return fail(Exit::usage, "--range wants FIRST-LAST, two records' numbers, not \"" + words.range + "\"");
  if (range && request.kept) return fail(Exit::usage, "--checkpoint asks for the whole log, --range for a part of it");
  if (range && !words.witnesses.empty())
    return fail(Exit::usage, "--witness asks for the whole log, --range for a part of it");
  if (words.timestamp.empty() != words.authorities.empty() || (!words.timestamp.empty() && !request.kept))
    return fail(Exit::usage, "--timestamp wants the --checkpoint that it stamps, and the --authorities that may have");
  if (!words.timestamp.empty() && !check_stamp(words)) return Exit::not_verified;
  Witnessed witnessed(words.witnesses, words.quorum);
  witnessed.find(request);
  const auto result = range ? store::verify_range(request, range->first, range->second) : store::verify_audit(request);
  // They name files, and the folder is somebody else's.
  for (const auto& problem : result.problems) std::cerr << "ward: " << store::harmless(problem) << "\n";
  for (const auto& note : result.notes) std::cout << "note: " << store::harmless(note) << "\n";
  const bool enough = witnessed.report(std::cout, std::cerr);
  const bool unwitnessed = !enough && exit_of(result.verdict) != Exit::not_verified;
  if (std::filesystem::exists(std::filesystem::path(words.folder) / "ward.toml")) {
    const store::Maintenance command{"audit verify", unwitnessed ? "unwitnessed" : word_for(result.verdict),
                                     result.problems.size() + (unwitnessed ? 1 : 0)};
    const auto why_not = record(words.folder, command);
    if (!why_not.empty()) std::cout << "note: this check isn't recorded: " << why_not << "\n";
  }
  std::cout << (unwitnessed ? "NOT verified: too few of the named witnesses cosigned it" : say(result.verdict)) << "\n";
  if (result.verdict == store::Verdict::damaged && !range) {
    const auto good = still_good(request, result);
    std::cout << "still good: " << (good.empty() ? "nothing that could be proved" : good) << std::endl;
    return Exit::not_verified;
  }
  std::cout << result.records << (range ? " records of the range" : " records") << ", " << result.covered
            << " of them covered by the signed checkpoint" << std::endl;
  return unwitnessed ? Exit::not_verified : exit_of(result.verdict);
}

}  // namespace

void add_audit(CLI::App& app, Action& action) {
  auto* audit = app.add_subcommand("audit", "Check the audit log (see also: log)");
  audit->require_subcommand(1);
  const auto words = std::make_shared<VerifyWords>();
  auto* command = audit->add_subcommand("verify", "Check that an audit log is complete and unchanged");
  command->add_option("STORE-OR-AUDIT-FOLDER", words->folder, "A store, or a copy of MOUNT/@@/audit");
  command->add_option("--key", words->key, "The verifier key that `ward init` printed, kept elsewhere")
      ->type_name("VKEY");
  command->add_option("--checkpoint", words->checkpoint, "A checkpoint that you kept: the log must continue from it")
      ->type_name("FILE");
  command->add_option("--range", words->range, "Check these records only, with the tiles and the checkpoint")
      ->type_name("FIRST-LAST");
  command
      ->add_option("--proof", words->proof,
                   "Check this proof (`ward audit prove`); a folder is needed only for a key replaced since")
      ->type_name("FILE");
  command->add_option("--line", words->line, "The line that the proof should prove, if it holds none itself")
      ->type_name("FILE");
  command
      ->add_option("--timestamp", words->timestamp,
                   "The reply of a time stamp authority (RFC 3161) about the checkpoint")
      ->type_name("FILE");
  command->add_option("--authorities", words->authorities, "Certificates (PEM) of authorities that you trust")
      ->type_name("FILE");
  command
      ->add_option("--witness", words->witnesses,
                   "The verifier key of a witness that must have cosigned the log (repeatable)")
      ->allow_extra_args(false)
      ->type_name("VKEY");
  command->add_option("--quorum", words->quorum, "So many of the named witnesses are enough (default: all)")
      ->type_name("K");
  command->footer(
      "Exit codes: 0 verified, 11 self-consistent only (no key, checkpoint or witness given), 12 not verified.");
  command->callback([&action, words] { action = [words] { return verify(*words); }; });

  const auto proof = std::make_shared<ProveWords>();
  auto* proving = audit->add_subcommand("prove", "A proof that a record is in the log: a file that proves itself");
  proving->add_option("SEQ", proof->record, "The record's number")->required()->check(CLI::NonNegativeNumber);
  proving->add_option("STORE-OR-AUDIT-FOLDER", proof->folder, "Default: the log of the mount that you are in");
  proving->footer(
      "C2SP tlog-proof, with the record as its extra data. Check it with: ward audit verify --proof FILE --key VKEY");
  const auto stamping = std::make_shared<StampWords>();
  auto* timestamp = audit->add_subcommand("timestamp", "Keep the checkpoint of now, and ask an authority to stamp it");
  timestamp->add_option("PREFIX", stamping->prefix, "PREFIX.checkpoint and PREFIX.tsq (RFC 3161) are written")
      ->required();
  timestamp->add_option("STORE-OR-AUDIT-FOLDER", stamping->folder, "Default: the log of the mount that you are in");
  timestamp->footer(
      "Check the reply with: ward audit verify FOLDER --key VKEY --checkpoint PREFIX.checkpoint --timestamp "
      "PREFIX.tsr --authorities CERTIFICATES");
  timestamp->callback([&action, stamping] { action = [stamping] { return stamp(*stamping); }; });
  proving->callback([&action, proof] { action = [proof] { return prove(*proof); }; });
  add_cosign(*audit, action);
  add_rotate(*audit, action);
}

}  // namespace ward::tools

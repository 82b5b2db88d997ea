// SPDX-License-Identifier: Apache-2.0
// The offline check: every line is hashed again and the resulting tree compared with all that was signed over it.
#include "store/audit_verify.h"

#include <algorithm>
#include <map>

#include "store/anchor_check.h"
#include "store/audit_claims.h"
#include "store/bundles.h"
#include "store/checkpoint.h"
#include "store/error.h"
#include "store/files.h"
#include "store/record_json.h"
#include "store/segment_scan.h"
#include "store/segments.h"
#include "store/tile_check.h"

namespace ward::store {

Signed read_signed(const std::string& text, const std::optional<VerifierKey>& trusted, const KeyHistory& keys) {
  const Note note = parse_note(text);
  const Checkpoint checkpoint = parse_checkpoint(note);
  if (!trusted) return {checkpoint, Signature::absent};
  const auto key = keys.in_force(checkpoint.size, *trusted);
  return {checkpoint, checkpoint.origin == key.name ? check_note(note, key) : Signature::absent};
}

namespace {

class Verifier {
 public:
  /// Reads checkpoint, tiles and lines in this order: of a log that grows meanwhile, each holds what those before need.
  explicit Verifier(const VerifyRequest& request)
      : request_(request), checkpoint_text_(read_checkpoint()), tiles_(request.audit), all_(segments(request.audit)) {
    for (const auto& each : request.vouched) vouched_roots_[each.checkpoint.size];
    next_vouched_ = vouched_roots_.begin();
    look_at_vouched();  // one over no records
  }

  Verification run() {
    find_key();
    read_rotations();
    read_checkpoints();
    read_lines();
    compare();
    look_around();
    judge();
    return std::move(result_);
  }

 private:
  void problem(std::string text) { result_.problems.push_back(std::move(text)); }

  std::string where(const BadLine& bad) const {
    return bad.file + " line " + std::to_string(bad.line) + " (record " + std::to_string(bad.sequence) + ")";
  }

  BadLine line_of(Sequence sequence) const {
    const auto after = std::ranges::upper_bound(all_, sequence, {}, &Segment::first);
    const Segment& segment = after == all_.begin() ? all_.front() : *std::prev(after);
    return {segment.file.filename().string(), sequence - segment.first + 1, sequence};
  }

  // The key from outside, else the one that record 0 claims.
  void find_key() {
    if (request_.vkey) {
      key_ = parse_vkey(*request_.vkey);
      return;
    }
    try {
      const auto start = std::get<LogStart>(parse_line(line_at(request_.audit, 0)).payload);
      key_ = parse_vkey(start.vkey);
    } catch (const std::exception&) {  // an Error, or another payload
      if (!pruned()) problem("record 0 isn't a log-start with a verifier key");
    }
  }

  void read_rotations() {
    try {
      keys_ = KeyHistory::load(request_.audit);
      knows_rotations_ = true;
    } catch (const Error& error) {
      if (error.code() != Code::corrupt) throw;
      problem(error.what());
    }
  }

  std::optional<std::string> read_checkpoint() {
    std::error_code error;
    const auto path = request_.audit / "checkpoint";
    if (!std::filesystem::exists(path, error)) return std::nullopt;
    if (std::filesystem::is_regular_file(path, error)) return read_file(path);
    problem("the checkpoint isn't a file");
    return std::nullopt;
  }

  void read_checkpoints() {
    if (request_.kept) kept_ = read_signed(*request_.kept, key_, keys_);
    if (!checkpoint_text_) {
      if (kept_) problem("the checkpoint is missing, though there was one");
      return;
    }
    try {
      current_ = read_signed(*checkpoint_text_, key_, keys_);
    } catch (const Error& e) {
      if (e.code() != Code::corrupt) throw;
      problem(std::string("the checkpoint is damaged: ") + e.what());
    }
  }

  bool pruned() const { return !all_.empty() && all_.front().first != 0; }

  void missing(const std::string& why) {
    stop({all_.front().file.filename().string(), 1, 0}, "isn't record 0: the segments before it are missing" + why);
  }

  /// The hashes of lines that were pruned stand in the tiles.
  void read_pruned(Sequence first) {
    const Sequence size = current_ ? current_->checkpoint.size : 0;
    if (first > size) return missing("");
    try {
      for (std::uint64_t index = 0; index * kTileWidth < first; ++index) {
        const auto start = index * kTileWidth;
        const auto width = std::min<std::uint64_t>(kTileWidth, size - start);
        auto leaves = read_tile(request_.audit, {0, index, static_cast<unsigned>(width)});
        leaves.resize(std::min<std::uint64_t>(leaves.size(), first - start));
        for (const Hash& leaf : leaves) append(leaf);
      }
    } catch (const Error& error) {
      if (error.code() != Code::corrupt) throw;
      missing(std::string(", and the hashes of their lines: ") + error.what());
    }
    result_.pruned = first;
  }

  /// Without "rotations" who holds an older key would take the log for another's.
  void check_rotations() {
    for (const Record& record : claims_.rotations)  // of a damaged file was told already
      if (knows_rotations_ &&
          std::ranges::find(keys_.rotations(), record.sequence, &Rotation::sequence) == keys_.rotations().end())
        problem("rotations lacks record " + std::to_string(record.sequence) + ", which replaced the log's key");
    for (const Rotation& rotation : keys_.rotations()) {
      if (rotation.sequence >= tiles_.size())
        problem("the key was replaced by record " + std::to_string(rotation.sequence) + ", which isn't there");
      else
        result_.notes.push_back("record " + std::to_string(rotation.sequence) + " replaced the log's key by " +
                                rotation.record.vkey + ": keep that one too");
    }
  }

  /// Only a record of the log itself allows lines to be missing.
  void check_prunes() {
    if (result_.pruned == 0 || stopped_) return;
    if (claims_.pruned < result_.pruned && claims_.pruned_unsigned >= result_.pruned)
      return missing(", and the record that says they were pruned isn't covered by the checkpoint: make another copy");
    if (claims_.pruned < result_.pruned) return missing(", and no record says that they were pruned");
    result_.notes.push_back("the lines of " + std::to_string(result_.pruned) +
                            " records were pruned, as a record says: their hashes are checked, from the tiles");
  }

  void append(const Hash& leaf) {
    if (!keys_.agrees(tiles_.size(), leaf))
      problem(KeyHistory::path(request_.audit).filename().string() + ": record " + std::to_string(tiles_.size()) +
              " isn't the log's");
    tiles_.append(leaf);
    look(current_, current_root_);
    look(kept_, kept_root_);
    look_at_vouched();
  }

  void read_lines() {
    if (pruned()) read_pruned(all_.front().first);
    if (stopped_) return;
    std::vector<std::string> on_the_log;
    scan_segments(all_, [&](const SegmentScan& scan) {
      if (scan.segment.first != tiles_.size()) {
        stop({scan.segment.file.filename().string(), 1, tiles_.size()}, "isn't the record after the one before it");
        return false;
      }
      for (const Hash& leaf : scan.leaves) append(leaf);
      on_the_log.insert(on_the_log.end(), scan.on_the_log.begin(), scan.on_the_log.end());
      if (!scan.problem.empty()) {
        stop(line_of(tiles_.size()), scan.problem);
      } else if (scan.torn_bytes != 0 && scan.segment.file != all_.back().file) {
        stop(line_of(tiles_.size()), "has no end");
      } else if (scan.torn_bytes != 0) {
        result_.notes.push_back("the last line is unfinished: " + std::to_string(scan.torn_bytes) + " bytes");
      }
      return !stopped_;
    });
    result_.records = tiles_.size();
    claims_ = claims_of(on_the_log, current_ ? current_->checkpoint.size : 0);
    check_prunes();
    check_rotations();
  }

  void look(const std::optional<Signed>& promise, std::optional<Hash>& root) const {
    if (promise && promise->checkpoint.size == tiles_.size()) root = tiles_.root();
  }

  void look_at_vouched() {
    if (next_vouched_ == vouched_roots_.end() || next_vouched_->first != tiles_.size()) return;
    next_vouched_->second = tiles_.root();
    ++next_vouched_;
  }

  void stop(const BadLine& bad, const std::string& why) {
    stopped_ = true;
    result_.bad_line = bad;
    problem(where(bad) + " " + why);
  }

  // True when the lines are those that `promise` was signed for.
  bool holds(const Checkpoint& promise, const std::optional<Hash>& root, const std::string& name) {
    const Sequence size = promise.size;
    if (root == promise.root) return true;
    if (root) {
      problem("the first " + std::to_string(size) + " records aren't those that " + name + " was signed for");
    } else if (size != 0) {
      problem(name + " covers " + std::to_string(size) + " records, but only " + std::to_string(tiles_.size()) +
              " are there and good");
    } else {
      problem(name + " covers nothing");
    }
    return false;
  }

  void compare() {
    bool lines_hold = true;
    if (kept_) lines_hold = holds(kept_->checkpoint, kept_root_, "the kept checkpoint") && lines_hold;
    if (current_) lines_hold = holds(current_->checkpoint, current_root_, "the checkpoint") && lines_hold;
    for (const auto& each : request_.vouched)
      lines_hold = holds(each.checkpoint, vouched_roots_.at(each.checkpoint.size), each.name) && lines_hold;
    result_.lines_hold = lines_hold && current_;
    if (!stopped_) tiles_.finish(current_ && current_root_ ? current_->checkpoint.size : 0);
    name_first_bad(lines_hold);
    for (const auto& [tile, what] : tiles_.mismatches()) problem(tile_path(tile) + " " + what);
    if (!stopped_) compare_bundles();
    for (const auto& file : tiles_.strangers()) result_.notes.push_back(file + " isn't a tile");
    if (current_ && current_root_) result_.covered = current_->checkpoint.size;
    if (result_.records > result_.covered && current_) {
      result_.notes.push_back(std::to_string(result_.records - result_.covered) +
                              " records aren't covered by the checkpoint yet");
    }
  }

  /// A copy from a mount has the lines twice: all that are covered, or none.
  void compare_bundles() {
    std::map<std::uint64_t, unsigned> widest;
    for (const Tile& bundle : tiles_.bundles()) {
      const auto path = bundle_path(bundle);
      widest[bundle.index] = std::max(widest[bundle.index], bundle.width);
      if (bundle.index * kTileWidth < result_.pruned) {
        result_.notes.push_back(path + " holds lines that were pruned: it isn't checked");
      } else if (bundle.index * kTileWidth + bundle.width > result_.records) {  // the copy's lines were listed before
        result_.notes.push_back(path + " holds records that the lines don't: it isn't checked");
      } else if (read_file(request_.audit / path) != read_bundle(request_.audit, bundle)) {
        problem(path + " differs from the lines");
      }
    }
    const Sequence size = current_ ? current_->checkpoint.size : 0;
    auto index = (result_.pruned + kTileWidth - 1) / kTileWidth;
    for (; !widest.empty() && index * kTileWidth < size; ++index) {
      const auto width = static_cast<unsigned>(std::min<std::uint64_t>(kTileWidth, size - index * kTileWidth));
      if (widest[index] < width) problem(bundle_path({0, index, width}) + " is missing");
    }
  }

  /// The other files of the folder: what they are worth.
  void look_around() {
    std::string list;
    const auto strangers = strangers_in(request_.audit);
    for (const auto& name : strangers) list += (list.empty() ? "" : ", ") + name;
    if (!list.empty())
      result_.notes.push_back(list + (strangers.size() == 1 ? " isn't" : " aren't") +
                              " signed, and not checked: the lines are");
    if (!key_ || !current_ || current_->signature != Signature::good) return;
    auto keys = keys_.keys();
    keys.push_back(*key_);
    if (!names_one_of(request_.audit, keys)) problem("vkey isn't the log's verifier key");
    const auto signer = [this](Sequence size) { return keys_.in_force(size, *key_); };
    for (auto& wrong : anchor_problems(request_.audit, claims_.anchors, signer)) problem(std::move(wrong));
  }

  // When lines and tiles differ, the checkpoint tells which of them is wrong.
  void name_first_bad(bool lines_hold) {
    const auto leaf = tiles_.first_bad_leaf();
    if (lines_hold || !leaf || (result_.bad_line && result_.bad_line->sequence <= *leaf)) {
      if (!lines_hold && !leaf && !stopped_ && tiles_.mismatches().empty()) {
        problem("the tiles agree with the lines: both were changed, or the checkpoint");
      }
      return;
    }
    result_.bad_line = line_of(*leaf);
    problem(where(*result_.bad_line) + " isn't the line that was signed");
  }

  void check_signature(const std::optional<Signed>& promise, const std::string& name, bool& mismatch) {
    if (!promise || promise->signature == Signature::good) return;
    if (promise->signature == Signature::bad) {
      problem("the signature of " + name + " is wrong");
    } else if (key_) {
      mismatch = true;
      signers_.push_back(name + " isn't signed by " + to_vkey(*key_));
    }
  }

  /// What the auditor brought reaches as far as the folder's checkpoint, so that its signature adds nothing.
  bool vouched_whole() const {
    const Sequence size = current_->checkpoint.size;
    return (kept_ && kept_->checkpoint.size >= size) ||
           std::ranges::any_of(request_.vouched, [&](const Vouched& each) { return each.checkpoint.size >= size; });
  }

  void judge() {
    bool mismatch = false;
    result_.signature_good = current_ && current_->signature == Signature::good;
    check_signature(current_, "the checkpoint", mismatch);
    check_signature(kept_, "the kept checkpoint", mismatch);
    const bool contradiction = !result_.problems.empty();
    // With the folder's own key a missing signature contradicts too; one from outside may be the wrong key.
    const bool own_key = !request_.vkey && !request_.kept && request_.vouched.empty();
    result_.problems.insert(result_.problems.end(), signers_.begin(), signers_.end());
    if (contradiction || (mismatch && own_key)) {
      result_.verdict = Verdict::damaged;
    } else if (mismatch) {
      result_.verdict = Verdict::key_mismatch;
    } else if (!current_) {
      result_.verdict = Verdict::no_checkpoint;
    } else if (own_key) {
      result_.verdict = Verdict::self_consistent_only;
      problem("the key is the folder's own: bring the verifier key or a checkpoint that was kept elsewhere");
    } else if (!key_ && !vouched_whole()) {
      result_.verdict = Verdict::self_consistent_only;
      problem(
          "the checkpoint's signature can't be checked, since record 0, which names the key, was pruned: bring the "
          "verifier key");
    } else {
      result_.verdict = Verdict::verified;
    }
  }

  const VerifyRequest& request_;
  Verification result_;
  const std::optional<std::string> checkpoint_text_;
  TileCheck tiles_;
  std::vector<Segment> all_;
  std::optional<VerifierKey> key_;
  KeyHistory keys_;
  std::optional<Signed> current_, kept_;
  std::optional<Hash> current_root_, kept_root_;           // over the lines, at the sizes of these
  std::map<Sequence, std::optional<Hash>> vouched_roots_;  // the same, at the sizes that others vouch for
  std::map<Sequence, std::optional<Hash>>::iterator next_vouched_;
  bool stopped_ = false, knows_rotations_ = false;
  Claims claims_;
  std::vector<std::string> signers_;
};

}  // namespace

Verification verify_audit(const VerifyRequest& request) {
  return Verifier(request).run();
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The check of a part of the log: each line must have an inclusion proof, made from the tiles, for the signed root. A
// line and a tile that contradict each other are told apart by the tile's own proof.
#include <algorithm>
#include <map>

#include "store/audit_verify.h"
#include "store/error.h"
#include "store/files.h"
#include "store/segments.h"
#include "store/tiles.h"

namespace ward::store {
namespace {

class RangeVerifier {
 public:
  RangeVerifier(const VerifyRequest& request, Sequence from, Sequence to)
      : audit_(request.audit), vkey_(request.vkey), from_(from), to_(to) {}

  Verification run() {
    if (!read_checkpoint()) return std::move(result_);
    const auto end = std::min(to_, signed_.checkpoint.size);
    if (from_ >= end) {
      result_.verdict = result_.problems.empty() ? Verdict::no_checkpoint : Verdict::damaged;
      problem("the checkpoint covers " + std::to_string(signed_.checkpoint.size) + " records: none of the range");
      return std::move(result_);
    }
    if (end < to_) {
      result_.notes.push_back("the checkpoint covers " + std::to_string(signed_.checkpoint.size) +
                              " records: those after them weren't checked");
    }
    Sequence next = from_;
    if (from_ < end) {
      read_range(audit_, from_, end, [&](Sequence sequence, std::string_view line) {
        if (!result_.bad_line && !stopped_) check(sequence, line);
        next = sequence + 1;
      });
    }
    if (next < end) problem("the log ends before record " + std::to_string(next));
    if (!result_.problems.empty()) result_.verdict = Verdict::damaged;
    return std::move(result_);
  }

 private:
  void problem(std::string text) { result_.problems.push_back(std::move(text)); }

  /// False when there is nothing to compare with.
  bool read_checkpoint() {
    std::optional<VerifierKey> key;
    if (vkey_) key = parse_vkey(*vkey_);
    std::error_code ignored;
    if (!std::filesystem::exists(audit_ / "checkpoint", ignored)) {
      problem("there is no checkpoint");
      result_.verdict = Verdict::no_checkpoint;
      return false;
    }
    signed_ = read_signed(read_file(audit_ / "checkpoint"), key, KeyHistory::load(audit_));
    result_.covered = signed_.checkpoint.size;
    result_.verdict = signed_.signature == Signature::good ? Verdict::verified
                      : key                                ? Verdict::key_mismatch
                                                           : Verdict::self_consistent_only;
    if (!key) result_.notes.emplace_back("the checkpoint's signature wasn't checked: give the verifier key (--key)");
    if (signed_.signature == Signature::bad) problem("the signature of the checkpoint is wrong");
    return true;
  }

  Hash node(unsigned level, std::uint64_t index) {
    constexpr std::size_t kMostNodes = 100'000;
    if (nodes_.size() > kMostNodes) nodes_.clear();
    const auto [known, is_new] = nodes_.try_emplace({level, index});
    if (is_new) known->second = read_node(audit_, signed_.checkpoint.size, level, index);
    return known->second;
  }

  bool proves(const Hash& leaf, Sequence sequence) {
    const auto size = signed_.checkpoint.size;
    const auto hashes =
        inclusion_proof(sequence, size, [&](unsigned level, std::uint64_t index) { return node(level, index); });
    return verify_inclusion(leaf, sequence, size, hashes, signed_.checkpoint.root);
  }

  void check(Sequence sequence, std::string_view line) {
    try {
      if (proves(leaf_hash(line), sequence)) {
        ++result_.records;
        return;
      }
      const auto size = signed_.checkpoint.size;
      const Tile tile{
          0, sequence / kTileWidth,
          static_cast<unsigned>(std::min<std::uint64_t>(kTileWidth, size - sequence / kTileWidth * kTileWidth))};
      if (proves(node(0, sequence), sequence)) {
        bad_line(sequence);
      } else {
        stopped_ = true;
        problem(tile_path(tile) + ", or a tile above it, doesn't lead to the signed root");
      }
    } catch (const Error& error) {  // a tile that is missing or too short
      if (error.code() != Code::corrupt) throw;
      stopped_ = true;
      problem(error.what());
    }
  }

  void bad_line(Sequence sequence) {
    const auto all = segments(audit_);
    auto segment = std::ranges::upper_bound(all, sequence, {}, &Segment::first);
    --segment;  // it was just read from there
    result_.bad_line = {segment->file.filename().string(), sequence - segment->first + 1, sequence};
    problem(result_.bad_line->file + " line " + std::to_string(result_.bad_line->line) + " (record " +
            std::to_string(sequence) + ") isn't the line that was signed");
  }

  const std::filesystem::path audit_;
  const std::optional<std::string> vkey_;
  const Sequence from_, to_;
  Signed signed_;
  std::map<std::pair<unsigned, std::uint64_t>, Hash> nodes_;
  bool stopped_ = false;
  Verification result_;
};

}  // namespace

Verification verify_range(const VerifyRequest& request, Sequence from, Sequence to) {
  return RangeVerifier(request, from, to).run();
}

}  // namespace ward::store

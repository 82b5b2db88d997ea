// SPDX-License-Identifier: Apache-2.0
#include "store/proof.h"

#include <charconv>
#include <cstring>

#include "store/error.h"
#include "store/files.h"
#include "store/segments.h"
#include "store/tiles.h"

namespace ward::store {
namespace {

constexpr std::string_view kVersion = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kMostHashes = 64;  // of a tree of 2^64 leaves

[[noreturn]] void malformed(const std::string& what) {
  throw Error(Code::corrupt, "malformed proof: " + what);
}

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == rest.npos) malformed("it ends early");
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

Sequence index_of(std::string_view line) {
  if (!line.starts_with("index ")) malformed("expected a line \"index N\"");
  line.remove_prefix(6);
  Sequence index = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), index);
  if (parsed.ec != std::errc() || parsed.ptr != line.data() + line.size() || std::to_string(index) != line)
    malformed("the index is no number");
  return index;
}

Hash hash_of(std::string_view line) {
  const auto bytes = from_base64(line);
  Hash hash;
  if (bytes.size() != hash.size()) malformed("a hash has " + std::to_string(bytes.size()) + " bytes instead of 32");
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

}  // namespace

std::string to_text(const Proof& proof) {
  std::string text(kVersion);
  text += '\n';
  if (proof.line) text += "extra " + base64(*proof.line) + "\n";
  text += "index " + std::to_string(proof.index) + "\n";
  for (const Hash& hash : proof.hashes)
    text += base64({reinterpret_cast<const char*>(hash.data()), hash.size()}) + "\n";
  return text + "\n" + proof.checkpoint;
}

Proof parse_proof(std::string_view text) {
  Proof proof;
  if (take_line(text) != kVersion) malformed("its first line isn't " + std::string(kVersion));
  auto line = take_line(text);
  if (line.starts_with("extra ")) {
    proof.line = from_base64(line.substr(6));
    line = take_line(text);
  }
  proof.index = index_of(line);
  while (!(line = take_line(text)).empty()) {
    if (proof.hashes.size() == kMostHashes) malformed("too many hashes");
    proof.hashes.push_back(hash_of(line));
  }
  proof.checkpoint = text;
  static_cast<void>(parse_checkpoint(parse_note(proof.checkpoint)));
  return proof;
}

Proof prove(const std::filesystem::path& audit, Sequence record, bool with_line) {
  Proof proof;
  proof.index = record;
  std::error_code ignored;
  if (!std::filesystem::exists(audit / "checkpoint", ignored))
    throw Error(Code::usage, audit.string() + " holds no checkpoint that could cover record " + std::to_string(record));
  proof.checkpoint = read_file(audit / "checkpoint");
  const auto size = parse_checkpoint(parse_note(proof.checkpoint)).size;
  if (record >= size) {
    throw Error(Code::usage, "record " + std::to_string(record) +
                                 " isn't covered by a checkpoint yet: the newest is for " + std::to_string(size) +
                                 " records");
  }
  proof.hashes = inclusion_proof(
      record, size, [&](unsigned level, std::uint64_t index) { return read_node(audit, size, level, index); });
  const auto all = segments(audit);
  const bool pruned = all.empty() || record < all.front().first;
  if (with_line && !pruned) proof.line = line_at(audit, record);
  return proof;
}

std::string refute(const Proof& proof, std::string_view line, const VerifierKey& key) {
  const Note note = parse_note(proof.checkpoint);
  const Checkpoint checkpoint = parse_checkpoint(note);
  const auto signature = check_note(note, key);
  if (checkpoint.origin != key.name || signature == Signature::absent)
    return "its checkpoint isn't signed by " + to_vkey(key);
  if (signature == Signature::bad) return "the signature of its checkpoint is wrong";
  if (!verify_inclusion(leaf_hash(line), proof.index, checkpoint.size, proof.hashes, checkpoint.root))
    return "the line isn't record " + std::to_string(proof.index) + " of the log that its checkpoint was signed for";
  return "";
}

}  // namespace ward::store

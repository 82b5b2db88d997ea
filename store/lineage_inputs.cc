// SPDX-License-Identifier: Apache-2.0
// What follows from the reads that lineage.cc remembers: the inputs of one save, each with its basis and confidence.
#include <algorithm>
#include <array>
#include <utility>

#include "store/lineage.h"

namespace ward::store {
namespace {

enum class Basis { observed, inherited, descendant };  // most direct first
enum class Confidence { high, low };

const char* to_string(Basis basis) {
  switch (basis) {
    case Basis::observed:
      return "observed";
    case Basis::inherited:
      return "inherited";
    case Basis::descendant:
      return "descendant";
  }
  return "";
}

/// A shell starts the members of a pipeline within a moment: 50 ms.
constexpr std::uint64_t kTogetherTicks = 5;

}  // namespace

bool is_material(std::string_view path) {
  static constexpr std::array<std::string_view, 6> folders = {"/site-packages/", "/dist-packages/", "/__pycache__/",
                                                              "/.git/",          "/node_modules/",  "/.venv/"};
  static constexpr std::array<std::string_view, 3> endings = {".so", ".pyc", ".pyo"};
  const auto within = [&](std::string_view folder) { return path.find(folder) != std::string_view::npos; };
  const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
  const auto name = path.substr(path.rfind('/') + 1);
  return std::none_of(folders.begin(), folders.end(), within) && std::none_of(endings.begin(), endings.end(), ends) &&
         name.find(".so.") == std::string_view::npos;
}

std::vector<Inputs> split_inputs(Commit& commit) {
  constexpr std::size_t kPerRecord = 256;
  std::vector<Inputs> more;
  const auto& all = commit.inputs;
  for (std::size_t at = kPerRecord; at < all.size(); at += kPerRecord) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
    const auto size = static_cast<std::ptrdiff_t>(std::min(kPerRecord, all.size() - at));
    more.push_back({commit.artifact, commit.version, at, {begin, begin + size}});
  }
  commit.inputs.resize(std::min(kPerRecord, all.size()));
  if (!more.empty()) commit.more_inputs = more.back().position + more.back().inputs.size() - kPerRecord;
  return more;
}

/// Collects inputs; of two findings of one version the surer, then the more direct one stays.
class Lineage::Gathering {
 public:
  explicit Gathering(VersionRef output) : output_(output) {}

  void add(const Activity& reader, Tick until, Basis basis, Confidence confidence) {
    for (const auto& [label, at] : reader.labels)
      if (at <= until) labels_.insert(label);
    const Finding finding{confidence, basis};
    for (const auto& [version, at] : reader.reads) {
      if (at > until || (version.artifact == output_.artifact && version.version >= output_.version)) continue;
      const auto [found, is_new] = findings_.emplace(version, finding);
      if (!is_new) found->second = std::min(found->second, finding);
    }
  }

  const std::set<std::string>& labels() const { return labels_; }

  std::vector<Input> inputs() const {
    std::vector<Input> all;
    all.reserve(findings_.size());
    for (const auto& [version, finding] : findings_)
      all.push_back({version, to_string(finding.second), finding.first == Confidence::high ? "high" : "low"});
    return all;
  }

 private:
  using Finding = std::pair<Confidence, Basis>;  // smaller is better
  VersionRef output_;
  std::map<VersionRef, Finding> findings_;
  std::set<std::string> labels_;
};

std::vector<Input> Lineage::inputs(std::span<const std::string> writers, VersionRef output, Tick last_write,
                                   std::set<std::string>* labels) const {
  Gathering gathering(output);
  for (const std::string& id : writers) {
    const auto found = activities_.find(id);
    if (found == activities_.end()) continue;
    own_reads(found->second, last_write, gathering);
    ancestors_reads(found->second, last_write, gathering);
    descendants_reads(found->second, last_write, gathering);
    pipeline_reads(found->second, last_write, gathering);
  }
  if (labels != nullptr) labels->insert(gathering.labels().begin(), gathering.labels().end());
  return gathering.inputs();
}

const Lineage::Group& Lineage::execs_of(const Key& process) const {
  static const Group none;
  const auto found = processes_.find(process);
  return found == processes_.end() ? none : found->second;
}

const Lineage::Group& Lineage::below(const Key& process) const {
  static const Group none;
  const auto found = below_.find(process);
  return found == below_.end() ? none : found->second;
}

void Lineage::own_reads(const Activity& writer, Tick until, Gathering& into) const {
  for (const Activity* exec : execs_of(writer.key)) {
    if (exec->joined < writer.joined)
      into.add(*exec, until, Basis::inherited, Confidence::low);  // its memory is gone, its arguments went on
    else
      into.add(*exec, until, Basis::observed, exec->shell ? Confidence::low : Confidence::high);
  }
}

void Lineage::ancestors_reads(const Activity& writer, Tick until, Gathering& into) const {
  Tick forked = std::min(until, writer.joined);
  std::uint64_t child_mark = writer.exec_mark;
  const auto is_later = [&](const Activity* exec) { return exec->joined > writer.joined; };
  const Group& execs = execs_of(writer.key);
  const bool went_on = std::any_of(execs.begin(), execs.end(), is_later);  // and wrote as another program
  auto confidence = went_on ? Confidence::low : Confidence::high;
  for (const Above& above : writer.above) {
    if (child_mark == 0 || child_mark != above.exec_mark) confidence = Confidence::low;  // an exec lies between
    child_mark = above.exec_mark;
    Tick parent_joined = kAlways;
    for (const Activity* exec : execs_of(above.key)) {
      const bool earlier_program = exec->exec_mark != above.exec_mark;
      into.add(*exec, forked, Basis::inherited, earlier_program || exec->shell ? Confidence::low : confidence);
      parent_joined = std::min(parent_joined, exec->joined);
    }
    forked = std::min(forked, parent_joined);
  }
}

void Lineage::descendants_reads(const Activity& writer, Tick until, Gathering& into) const {
  for (const Activity* child : below(writer.key)) into.add(*child, until, Basis::descendant, Confidence::low);
}

/// Those whose output runs into `reader`'s stdin. The same pipe says so for sure; when nobody known is at its other end
/// (a member between them that opens nothing), those of the same process group that started together stand for it.
Lineage::Group Lineage::upstream_of(const Activity& reader) const {
  Group same_pipe, together;
  const auto found = pipers_.find(reader.session);
  if (reader.pipe_in == 0 || found == pipers_.end()) return same_pipe;
  for (const Activity* peer : found->second) {
    if (peer->key == reader.key) continue;
    const auto apart = std::max(peer->key.start, reader.key.start) - std::min(peer->key.start, reader.key.start);
    if (peer->pipe_out == reader.pipe_in)
      same_pipe.insert(peer);
    else if (peer->group == reader.group && apart <= kTogetherTicks && peer->pipe_out != reader.pipe_out &&
             peer->pipe_in != reader.pipe_in)
      together.insert(peer);
  }
  return same_pipe.empty() ? together : same_pipe;
}

void Lineage::pipeline_reads(const Activity& writer, Tick until, Gathering& into) const {
  Group reached(execs_of(writer.key));
  std::vector<const Activity*> next(reached.begin(), reached.end());
  while (!next.empty()) {
    const Activity* reader = next.back();
    next.pop_back();
    for (const Activity* peer : upstream_of(*reader)) {
      if (!reached.insert(peer).second) continue;
      next.push_back(peer);
      into.add(*peer, until, Basis::inherited, Confidence::low);
      for (const Activity* child : below(peer->key)) into.add(*child, until, Basis::inherited, Confidence::low);
    }
  }
}

}  // namespace ward::store

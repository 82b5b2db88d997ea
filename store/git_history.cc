// SPDX-License-Identifier: Apache-2.0
// Order of a publish: objects durable, then the ref. A crash between leaves unreachable objects, which git gc removes.
#include "store/git_history.h"

#include <optional>
#include <string_view>

#include "store/error.h"
#include "store/git_apply.h"
#include "store/git_repository.h"

namespace ward::store {
namespace {

const std::string kMain = "refs/heads/main";
const std::string kStart = "refs/ward/start";
constexpr std::string_view kAttributes =
    "* filter=lfs diff=lfs merge=lfs -text\n/.gitattributes -filter -diff -merge text\n";
constexpr std::size_t kMostLoaded = 200'000;  // tree entries kept between publishes, about 150 bytes each

}  // namespace

struct GitHistory::Impl {
  explicit Impl(const std::filesystem::path& path) : repository(path) {}

  GitRepository repository;
  std::optional<GitTree> tree;  // of head; absent: to be read
  GitOid head{};

  GitOid tree_of(const GitOid& commit) const {
    const auto bytes = repository.read(GitType::commit, commit);
    return GitRepository::from_hex(bytes.substr(bytes.find(' ') + 1, 40));  // "tree <hex>\n…"
  }

  GitTree& loaded_tree() {
    if (!tree)
      tree.emplace(
          tree_of(head), [this](const GitOid& oid) { return repository.read(GitType::tree, oid); },
          [this](std::string_view bytes) { return repository.add(GitType::tree, bytes); });
    return *tree;
  }

  Published commit(const Revision& revision, GitOid& parent, GitOid& parent_tree);
};

void GitHistory::create(const std::filesystem::path& path, Nanos time) {
  std::filesystem::create_directories(path / "lfs/objects");
  GitRepository::init(path);
  GitRepository repository(path);
  auto first = repository.ref(kStart);
  if (!first) {
    const auto attributes = repository.add(GitType::blob, kAttributes);
    std::string bytes = "100644 .gitattributes";
    bytes += '\0';
    bytes.append(reinterpret_cast<const char*>(attributes.data()), attributes.size());
    const auto tree = repository.add(GitType::tree, bytes);
    const CommitInfo info{person("ward", ""), time, {}, "start of history", {}};
    first = repository.add(GitType::commit, commit_object(GitRepository::hex(tree), std::nullopt, info));
    repository.flush();
    repository.set_ref(kStart, *first);
  }
  if (!repository.ref(kMain)) repository.set_ref(kMain, *first);
}

GitHistory::GitHistory(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {
  const auto head = impl_->repository.ref(kMain);
  if (!head) throw Error(Code::corrupt, "open " + path.string() + ": it has no " + kMain);
  impl_->head = *head;
  impl_->loaded_tree();
}

GitHistory::~GitHistory() = default;
GitHistory::GitHistory(GitHistory&&) noexcept = default;
GitHistory& GitHistory::operator=(GitHistory&&) noexcept = default;

GitHistory::Published GitHistory::Impl::commit(const Revision& revision, GitOid& parent, GitOid& parent_tree) {
  Published out;
  auto& edited = loaded_tree();
  const WriteBlob write_blob = [this](std::string_view bytes) { return repository.add(GitType::blob, bytes); };
  for (const auto& change : revision.changes) {
    try {
      apply(edited, write_blob, change);
    } catch (const Error& error) {
      out.errors.push_back("publish " + line_of(path_of(change)) + ": " + error.what());
    }
  }
  const auto result = edited.write();
  out.tree = GitRepository::hex(result);
  if (result != parent_tree) {
    const auto bytes = commit_object(out.tree, GitRepository::hex(parent), revision.info);
    parent = repository.add(GitType::commit, bytes);
    parent_tree = result;
  }
  out.commit = GitRepository::hex(parent);
  return out;
}

std::vector<GitHistory::Published> GitHistory::publish(std::span<const Revision> revisions) {
  std::vector<Published> out;
  GitOid tip = impl_->head;
  try {
    GitOid tip_tree = impl_->loaded_tree().write();
    for (const auto& revision : revisions) out.push_back(impl_->commit(revision, tip, tip_tree));
    if (tip != impl_->head) {
      impl_->repository.flush();
      impl_->repository.set_ref(kMain, tip);
    }
  } catch (...) {
    impl_->tree.reset();  // it is ahead of head now
    impl_->repository.discard();
    throw;
  }
  impl_->repository.discard();  // blobs of changes that came to nothing
  impl_->head = tip;
  if (impl_->tree->loaded() > kMostLoaded) impl_->tree.reset();
  return out;
}

std::string GitHistory::head() const {
  return GitRepository::hex(impl_->head);
}

std::string GitHistory::start() const {
  const auto first = impl_->repository.ref(kStart);
  if (!first) throw Error(Code::corrupt, "read git history: it has no " + kStart);
  return GitRepository::hex(*first);
}

bool GitHistory::has(const std::string& commit) const {
  return impl_->repository.has(GitRepository::from_hex(commit));
}

void GitHistory::reset_to(const std::string& commit) {
  const auto oid = GitRepository::from_hex(commit);
  impl_->repository.read(GitType::commit, oid);
  impl_->head = oid;  // first: if the disk refuses the ref, the next publish goes on from here all the same
  impl_->tree.reset();
  impl_->repository.set_ref(kMain, oid);
}

std::string GitHistory::reset_to_recorded(const std::function<bool(const std::string& commit)>& recorded) {
  auto at = head();
  while (!recorded(at)) {
    const auto bytes = impl_->repository.read(GitType::commit, GitRepository::from_hex(at));
    const auto second = bytes.find('\n') + 1;  // "tree <hex>\nparent <hex>\n…"
    if (bytes.compare(second, 7, "parent ") != 0) break;
    at = bytes.substr(second + 7, 40);
  }
  if (at != head()) reset_to(at);
  return at;
}

}  // namespace ward::store

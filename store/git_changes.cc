// SPDX-License-Identifier: Apache-2.0
// One overload per payload that history shows; the template stands for all others.
#include "store/git_changes.h"

namespace ward::store {
namespace {

using Changes = std::vector<TreeChange>;

void put_version(Changes& out, const std::string& path, const Commit& commit) {
  out.push_back(tree::PutFile{path, commit.sha256, commit.size, commit.executable});
  for (const auto& other : commit.also)
    if (other != path) out.push_back(tree::PutFile{other, commit.sha256, commit.size, commit.executable});
}

struct Projection {
  const std::string& path;
  Changes out{};

  template <class P>
  void operator()(const P&) {}

  void operator()(const Commit& p) { put_version(out, path, p); }

  // Other kinds have no content yet, or none that git could hold.
  void operator()(const Create& p) {
    if (p.kind == Kind::symlink) out.push_back(tree::PutSymlink{path, p.target});
  }

  void operator()(const Link& p) { out.push_back(tree::Copy{p.from_path, path}); }

  void operator()(const Rename& p) {
    if (p.exchange)
      out.push_back(tree::Swap{path, p.to_path, p.scratch});
    else if (p.saved)
      out.push_back(tree::Remove{path});
    else
      out.push_back(tree::Move{path, p.to_path, p.scratch});
    if (p.saved) put_version(out, p.to_path, *p.saved);
  }

  void operator()(const Delete&) { out.push_back(tree::Remove{path}); }

  void operator()(const Restore& p) {
    out.push_back(tree::PutFile{path, p.sha256, p.sha256.empty() ? 0 : p.size, p.executable});
  }

  // A file that was made and closed without a write is a file, though it has no version.
  void operator()(const Abandon& p) {
    if (p.cause == "unwritten") out.push_back(tree::PutFile{path, "", 0, p.executable, true});
  }

  void operator()(const SetAttr& p) {
    if (p.mode) out.push_back(tree::SetExecutable{path, (*p.mode & 0111) != 0});
  }
};

}  // namespace

std::vector<TreeChange> changes_of(const Record& record) {
  Projection projection{record.path};
  std::visit(projection, record.payload);
  return std::move(projection.out);
}

}  // namespace ward::store

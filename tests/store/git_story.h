// SPDX-License-Identifier: Apache-2.0
// What the tests of git history share: a history with objects, stock git in a home of its own, and short records.
#pragma once
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "store/crypto.h"
#include "store/git_history.h"
#include "tests/temp_dir.h"

namespace ward::tests {

inline std::string sha(std::string_view bytes) {
  return store::hex(store::sha256(bytes));
}

inline std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// A folder with `history.git` and a HOME in which a stock user has run `git lfs install`.
class GitStory {
 public:
  GitStory() { store::GitHistory::create(repository()); }

  std::filesystem::path repository() const { return folder_.path() / "history.git"; }
  std::filesystem::path folder() const { return folder_.path(); }

  /// Runs a shell command as that user, in `folder()`: output and exit code.
  std::pair<std::string, int> run(const std::string& command) const {
    const auto home = folder_.path() / "home";
    std::filesystem::create_directories(home);
    const std::string line = "cd '" + folder_.path().string() + "' && env -i PATH=/usr/local/bin:/usr/bin:/bin HOME='" +
                             home.string() + "' GIT_CONFIG_NOSYSTEM=1 LC_ALL=C sh -c '" + command + "' 2>&1";
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(line.c_str(), "r"), ::pclose);
    std::string out;
    char buffer[4096];
    for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe.get())) > 0;) out.append(buffer, got);
    return {out, WEXITSTATUS(::pclose(pipe.release()))};
  }
  /// The output of a command that must succeed.
  std::string must(const std::string& command) const {
    const auto [out, code] = run(command);
    if (code != 0) throw std::runtime_error(command + " failed: " + out);
    return out;
  }
  /// Clones as a stock user with git-lfs does; gives the work tree.
  std::filesystem::path clone(const std::string& into = "clone") const {
    must("git lfs install && git clone file://" + repository().string() + " " + into);
    return folder_.path() / into;
  }

  /// A change that saves `bytes`, with its object in place.
  store::TreeChange file(const std::string& path, const std::string& bytes, bool executable = false) const {
    const auto name = sha(bytes);
    const auto object = repository() / "lfs/objects" / name.substr(0, 2) / name.substr(2, 2) / name;
    std::filesystem::create_directories(object.parent_path());
    std::ofstream(object, std::ios::binary) << bytes;
    return store::tree::PutFile{path, name, bytes.size(), executable};
  }

 private:
  TempDir folder_;
};

/// Publishes one commit with these changes.
inline store::GitHistory::Published publish(store::GitHistory& history, std::vector<store::TreeChange> changes,
                                            const std::string& subject = "save") {
  store::GitHistory::Revision revision;
  revision.changes = std::move(changes);
  revision.info = {store::person("alice", "h1"), 1'700'000'000'000'000'000, {}, subject, {"Ward-Log-Index: 1-1"}};
  return history.publish({&revision, 1}).front();
}

}  // namespace ward::tests

// SPDX-License-Identifier: Apache-2.0
// Added objects live in a memory backend of an object database of their own; a packbuilder over it writes the pack.
#include "store/git_repository.h"

#include <git2.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

#include <cstring>
#include <system_error>
#include <vector>

#include "store/error.h"
#include "store/owned.h"

namespace ward::store {
namespace {

constexpr std::size_t kMostLoose = 32;  // an fsync each; more become a pack with one

using Repository = Owned<git_repository, git_repository_free>;
using Odb = Owned<git_odb, git_odb_free>;
using OdbObject = Owned<git_odb_object, git_odb_object_free>;
using Reference = Owned<git_reference, git_reference_free>;
using Packbuilder = Owned<git_packbuilder, git_packbuilder_free>;
using Config = Owned<git_config, git_config_free>;

void check(int result, const std::string& what) {
  if (result >= 0) return;
  const auto* error = git_error_last();
  const std::string cause = error != nullptr && error->message != nullptr ? error->message : "unknown cause";
  const auto full = std::generic_category().message(ENOSPC), quota = std::generic_category().message(EDQUOT);
  const bool no_space = cause.find(full) != std::string::npos || cause.find(quota) != std::string::npos;
  throw Error(no_space ? Code::no_space : result == GIT_ENOTFOUND ? Code::corrupt : Code::io, what + ": " + cause);
}

/// Calls a libgit2 constructor and owns what it made.
template <class Handle, class F, class... A>
Handle make(const std::string& what, F function, A... arguments) {
  typename Handle::pointer raw = nullptr;
  check(function(&raw, arguments...), what);
  return Handle(raw);
}

/// Once per process. The users' and the system's git configuration must not change what we write.
void start_library() {
  static const bool started = [] {
    check(git_libgit2_init(), "start libgit2");
    for (const auto level :
         {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA})
      check(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, static_cast<int>(level), ""), "set libgit2's search path");
    check(git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1), "make libgit2 durable");
    check(git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0), "bound libgit2's memory");  // GitTree is the cache
    return true;
  }();
  static_cast<void>(started);
}

git_object_t native(GitType type) {
  return type == GitType::commit ? GIT_OBJECT_COMMIT : type == GitType::tree ? GIT_OBJECT_TREE : GIT_OBJECT_BLOB;
}

git_oid native(const GitOid& oid) {
  git_oid out;
  check(git_oid_fromraw(&out, oid.data()), "convert a git object name");
  return out;
}

GitOid ours(const git_oid& oid) {
  GitOid out;
  std::memcpy(out.data(), oid.id, out.size());
  return out;
}

}  // namespace

struct GitRepository::Impl {
  std::filesystem::path path;
  Repository repository;
  Odb disk;
  // What was added. The backend belongs to `added`, which belongs to `memory` too.
  Odb added;
  git_odb_backend* backend = nullptr;
  Repository memory;
  std::vector<git_oid> order;

  void write_loose(const git_oid& oid);
  void write_pack();
};

void GitRepository::init(const std::filesystem::path& path) {
  start_library();
  git_repository_init_options options;
  check(git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION), "prepare a git repository");
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  options.initial_head = "main";
  const auto what = "make git repository " + path.string();
  const auto repository = make<Repository>(what, git_repository_init_ext, path.c_str(), &options);
  const auto config = make<Config>(what, git_repository_config, repository.get());
  // The log is the truth: nobody pushes into its projection.
  check(git_config_set_string(config.get(), "receive.hideRefs", "refs/"), what);
}

GitRepository::GitRepository(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  start_library();
  const auto what = "open git repository " + path.string();
  impl_->path = path;
  impl_->repository = make<Repository>(what, git_repository_open_bare, path.c_str());
  impl_->disk = make<Odb>(what, git_repository_odb, impl_->repository.get());
  impl_->added = make<Odb>(what, git_odb_new);
  check(git_mempack_new(&impl_->backend), what);
  check(git_odb_add_backend(impl_->added.get(), impl_->backend, 1), what);
  impl_->memory = make<Repository>(what, git_repository_wrap_odb, impl_->added.get());
  std::filesystem::remove(path / "refs/heads/main.lock");
}

GitRepository::~GitRepository() = default;

std::string GitRepository::read(GitType type, const GitOid& oid) const {
  const auto id = native(oid);
  const auto what = "read git object " + hex(oid);
  auto* from = git_odb_exists(impl_->added.get(), &id) != 0 ? impl_->added.get() : impl_->disk.get();
  const auto object = make<OdbObject>(what, git_odb_read, from, &id);
  if (git_odb_object_type(object.get()) != native(type)) throw Error(Code::corrupt, what + ": it has another type");
  return {static_cast<const char*>(git_odb_object_data(object.get())), git_odb_object_size(object.get())};
}

bool GitRepository::has(const GitOid& oid) const {
  const auto id = native(oid);
  return git_odb_exists(impl_->disk.get(), &id) != 0;
}

GitOid GitRepository::add(GitType type, std::string_view bytes) {
  git_oid oid;
  check(git_odb_write(&oid, impl_->added.get(), bytes.data(), bytes.size(), native(type)), "add a git object");
  impl_->order.push_back(oid);
  return ours(oid);
}

void GitRepository::Impl::write_loose(const git_oid& oid) {
  const auto object = make<OdbObject>("read an added git object", git_odb_read, added.get(), &oid);
  git_oid same;
  check(git_odb_write(&same, disk.get(), git_odb_object_data(object.get()), git_odb_object_size(object.get()),
                      git_odb_object_type(object.get())),
        "write git object to " + path.string());
}

void GitRepository::Impl::write_pack() {
  const auto what = "write git pack to " + path.string();
  const auto builder = make<Packbuilder>(what, git_packbuilder_new, memory.get());
  git_packbuilder_set_threads(builder.get(), 1);
  for (const auto& oid : order) check(git_packbuilder_insert(builder.get(), &oid, nullptr), what);
  check(git_packbuilder_write(builder.get(), (path / "objects/pack").c_str(), 0444, nullptr, nullptr), what);
  check(git_odb_refresh(disk.get()), what);
}

void GitRepository::flush() {
  if (impl_->order.size() > kMostLoose)
    impl_->write_pack();
  else
    for (const auto& oid : impl_->order) impl_->write_loose(oid);
  discard();
}

void GitRepository::discard() {
  check(git_mempack_reset(impl_->backend), "forget added git objects");
  impl_->order.clear();
}

std::optional<GitOid> GitRepository::ref(const std::string& name) const {
  git_oid oid;
  const int result = git_reference_name_to_id(&oid, impl_->repository.get(), name.c_str());
  if (result == GIT_ENOTFOUND) return std::nullopt;
  check(result, "read " + name + " in " + impl_->path.string());
  return ours(oid);
}

void GitRepository::set_ref(const std::string& name, const GitOid& oid) {
  const auto id = native(oid);
  make<Reference>("set " + name + " in " + impl_->path.string(), git_reference_create, impl_->repository.get(),
                  name.c_str(), &id, 1, nullptr);
}

std::string GitRepository::hex(const GitOid& oid) {
  std::string out(GIT_OID_HEXSZ, '0');
  const auto id = native(oid);
  check(git_oid_fmt(out.data(), &id), "print a git object name");
  return out;
}

GitOid GitRepository::from_hex(const std::string& hex40) {
  git_oid oid;
  if (hex40.size() != GIT_OID_HEXSZ || git_oid_fromstr(&oid, hex40.c_str()) != 0)
    throw Error(Code::corrupt, "read git object name '" + hex40 + "': not 40 hex digits");
  return ours(oid);
}

}  // namespace ward::store

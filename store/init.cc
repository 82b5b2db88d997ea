// SPDX-License-Identifier: Apache-2.0
#include "store/init.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "policy/policy.h"
#include "store/audit_log.h"
#include "store/catalog.h"
#include "store/checkpoint.h"
#include "store/crypto_pkcs11.h"
#include "store/error.h"
#include "store/files.h"
#include "store/git_history.h"
#include "store/ledger.h"
#include "store/lock.h"
#include "store/object_store.h"
#include "store/report_text.h"
#include "store/requester.h"

namespace ward::store {
namespace {

constexpr const char* kParts[] = {"keys",       "history.git",    "audit",          "drafts",       "lock",
                                  "catalog.db", "catalog.db-wal", "catalog.db-shm", "ward.toml.tmp"};

/// Number of the policy's tests, all of which hold.
std::size_t check_policy(const InitOptions& options) {
  const auto parsed = policy::parse(options.policy_text);
  if (const auto* error = std::get_if<policy::ParseError>(&parsed))
    throw Error(Code::config, options.policy_name + ": " + policy::to_string(*error));
  const auto& policy = std::get<policy::Policy>(parsed);
  const auto failures = policy::run_tests(policy);
  if (!failures.empty())
    throw Error(Code::config, options.policy_name + ": line " + std::to_string(failures[0].line) + ": " +
                                  failures[0].message + "; " + std::to_string(failures.size()) +
                                  " of the policy's own tests fail");
  return policy::test_count(policy);
}

/// "host/ward/uuid": the host for people, the random UUID so that no two logs ever share a name.
std::string new_origin() {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) throw_errno("read the host's name");
  const auto high = static_cast<unsigned long long>(random64()), low = static_cast<unsigned long long>(random64());
  char uuid[40];  // version 4, variant 10
  std::snprintf(uuid, sizeof uuid, "%08llx-%04llx-4%03llx-%04llx-%012llx", high >> 32, high >> 16 & 0xffff,
                high & 0xfff, (low >> 48 & 0x3fff) | 0x8000, low & 0xffffffffffff);
  return std::string(host) + "/ward/" + uuid;
}

void check_empty(const std::filesystem::path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return;
    throw_errno("stat " + path.string());
  }
  if (!S_ISDIR(st.st_mode)) throw Error(Code::config, path.string() + " is not a folder");
  std::error_code error;
  if (std::filesystem::is_empty(path, error)) return;
  if (error) throw_errno("list " + path.string(), error.value());
  if (std::filesystem::exists(path / "ward.toml", error))
    throw Error(Code::config, path.string() + " is a store already");
  if (half_made(path)) static_cast<void>(load_config(path));  // throws what it says of half-made stores
  throw Error(Code::config, path.string() + " is not empty; a store needs a folder of its own");
}

/// The folder of a store in the making, locked; takes away what was made unless finished.
class Making {
 public:
  explicit Making(std::filesystem::path path) : path_(std::move(path)), made_folder_(make(path_)), lock_(path_) {
    // Another init may have come and gone since the folder was found empty; nothing of its store is ours to remove.
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      if (entry.path().filename() != "lock")
        throw Error(Code::busy, path_.string() + " was empty a moment ago: something else uses it");
    if (::chmod(path_.c_str(), 0700) != 0) throw_errno("chmod " + path_.string());
  }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;
  ~Making() {
    if (finished_) return;
    std::error_code ignored;
    for (const char* part : kParts) std::filesystem::remove_all(path_ / part, ignored);
    if (made_folder_) std::filesystem::remove(path_, ignored);
  }
  void finish() { finished_ = true; }

 private:
  static bool make(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0700) == 0) return true;
    if (errno != EEXIST) throw_errno("make " + path.string());
    return false;
  }

  const std::filesystem::path path_;
  const bool made_folder_;
  const StoreLock lock_;
  bool finished_ = false;
};

void make_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0) throw_errno("make " + path.string());
}

Record first_record(const Requester& self, Nanos time, Payload payload, const std::string& path) {
  Record record;
  record.time = time;
  record.user = self.user();
  record.process = self.process();
  record.path = path;
  record.payload = std::move(payload);
  return record;
}

/// Root's mounts serve everybody, so everybody may save from the first minute on; others own their mount.
Create root_folder() {
  Create create;
  create.artifact = kRoot;
  create.kind = Kind::folder;
  create.mode = ::geteuid() == 0 ? 01777 : 0755;
  create.uid = ::geteuid();
  create.gid = ::getegid();
  return create;
}

/// The first three records, durable and signed, and the catalog that follows from them.
void write_first_records(const std::filesystem::path& path, AuditLog& log, const Config& config, Nanos time,
                         PolicyChange policy) {
  Catalog catalog(path / "catalog.db");
  Ledger ledger(
      log, catalog, config.origin.substr(0, config.origin.find('/')), [](const Record&) {}, [] {});
  const auto self = Requester::self();
  Record records[] = {first_record(self, time, LogStart{kStoreFormat, config.origin, config.vkey}, ""),
                      first_record(self, time, root_folder(), "/"), first_record(self, time, std::move(policy), "")};
  ledger.append(records);
  log.sync();
  catalog.flush();
  log.checkpoint();
}

}  // namespace

Config init_store(const std::filesystem::path& folder, const InitOptions& options) {
  auto path = std::filesystem::absolute(folder).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();  // a final slash
  const auto tests = check_policy(options);
  const Nanos time = now();
  Config config;
  config.origin = options.origin.empty() ? new_origin() : options.origin;
  config.created = utc(time);
  if (!options.key.empty()) config.key = options.key;
  auto key = options.key.empty() ? SigningKey::generate() : token_key(options.key);
  config.vkey = to_vkey({config.origin, key.public_key()});  // refuses a bad origin
  check_empty(path);

  Making making(path);
  if (options.key.empty()) {
    make_folder(path / "keys");
    key.save(path / config.key);
    sync_folder(path / "keys");
  }
  make_folder(path / "drafts");
  GitHistory::create(path / "history.git", time);
  PolicyChange policy;
  policy.number = 1;
  policy.size = options.policy_text.size();
  policy.tests_passed = tests;
  policy.sha256 = ObjectStore(path / "history.git" / "lfs" / "objects").put(options.policy_text);
  AuditLog::create(path / "audit");
  write_durably(path / "audit" / "vkey", config.vkey + "\n", 0444);
  AuditLog log(path / "audit", config.origin, std::move(key));
  write_first_records(path, log, config, time, std::move(policy));
  sync_folder(path);
  save_config(path, config);
  sync_folder(path.parent_path());
  making.finish();
  return config;
}

}  // namespace ward::store

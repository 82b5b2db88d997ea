// SPDX-License-Identifier: Apache-2.0
#include "fs/session.h"

#include <malloc.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "fs/driver.h"
#include "fs/fuse_api.h"
#include "store/error.h"

namespace ward::fs {
namespace {

template <auto Function>
struct Calls {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Session = std::unique_ptr<fuse_session, Calls<fuse_session_destroy>>;
using LoopConfig = std::unique_ptr<fuse_loop_config, Calls<fuse_loop_cfg_destroy>>;

/// argv for libfuse; owns its strings.
class Arguments {
 public:
  explicit Arguments(const std::vector<std::string>& words) {
    for (const auto& word : words)
      if (fuse_opt_add_arg(&args_, word.c_str()) != 0) throw std::bad_alloc();
  }
  ~Arguments() { fuse_opt_free_args(&args_); }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  fuse_args* get() { return &args_; }

 private:
  fuse_args args_ = FUSE_ARGS_INIT(0, nullptr);
};

std::vector<std::string> words_of(const MountOptions& options) {
  std::vector<std::string> words{"ward", "-o", "fsname=" + options.store.string(), "-o", "subtype=ward"};
  if (::geteuid() == 0) words.insert(words.end(), {"-o", "allow_other", "-o", "dev", "-o", "suid"});
  for (const auto& option : options.fuse_options) words.insert(words.end(), {"-o", option});
  return words;
}

/// What the mount tells whoever starts it.
std::string facts(const Abilities& abilities) {
  std::string line = library();
  line += abilities.passthrough ? ", depth open: kernel passthrough" : ", depth open: page cache";
  if (!abilities.passthrough && ::geteuid() != 0) line += " (passthrough needs a mount by root)";
  line += abilities.direct_mmap
              ? ", depth ranges: exact"
              : ", depth ranges: as the page cache asks (exact ranges need libfuse 3.17 and Linux 6.6)";
  return line;
}

/// Mounted while it exists.
class Mounted {
 public:
  Mounted(fuse_session* session, const std::filesystem::path& at) : session_(session) {
    if (fuse_session_mount(session, at.c_str()) != 0)
      throw store::Error(store::Code::io, "mount on " + at.string() +
                                              ": libfuse refused (is /dev/fuse there, and fusermount3 installed?)");
  }
  ~Mounted() { fuse_session_unmount(session_); }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

 private:
  fuse_session* session_;
};

/// SIGTERM, SIGINT and SIGHUP end the session while it exists.
class Signals {
 public:
  explicit Signals(fuse_session* session) : session_(session) {
    if (fuse_set_signal_handlers(session) != 0) throw store::Error(store::Code::io, "signal handlers can't be set");
  }
  ~Signals() { fuse_remove_signal_handlers(session_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  fuse_session* session_;
};

/// Reports are made in pieces of some 20 MB, by any of the threads: freed, they go back to the system instead of
/// staying with the thread, for which glibc decides otherwise once it has seen a few.
void give_back_large_pieces() {
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

/// Every open file of every user is one of the daemon's.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // as far as allowed; beyond it opens fail with EMFILE
}

}  // namespace

std::string library() {
  return std::string("libfuse ") + fuse_pkgversion();
}

void serve(const MountOptions& options) {
  ::umask(0);
  raise_file_limit();
  give_back_large_pieces();
  Nodes nodes;
  Notifier notifier(nodes);
  store::Monitor::Hooks hooks;
  hooks.changed = [&](store::Id id, std::vector<store::Place> names) { notifier.changed(id, std::move(names)); };
  hooks.known = [&](store::Id number) { return nodes.known(number); };
  // Aborts the connection: a thread of ours may wait in the kernel for a lock that only our answer would free.
  hooks.ending = [&] { ::umount2(options.mountpoint.c_str(), MNT_FORCE | MNT_DETACH); };
  store::Monitor monitor(options.store, std::move(hooks));
  Driver driver(monitor, nodes, notifier, [&](const Abilities& abilities) {
    if (options.ready) options.ready(facts(abilities));
  });
  Arguments arguments(words_of(options));
  const Session session(fuse_session_new(arguments.get(), &Driver::operations(), sizeof(fuse_lowlevel_ops), &driver));
  if (!session) throw store::Error(store::Code::usage, "libfuse refused the mount options");
  const LoopConfig config(fuse_loop_cfg_create());
  fuse_loop_cfg_set_clone_fd(config.get(), 1);
  // Many: a close waits until the kernel forgot the old names, which may need another thread's answer first; others
  // wait for a hash, or for a process that hides.
  fuse_loop_cfg_set_max_threads(config.get(), 128);
  fuse_loop_cfg_set_idle_threads(config.get(), 16);
  const auto self = store::Requester::self();
  int result = 0;
  {
    const Signals signals(session.get());
    const Mounted mounted(session.get(), options.mountpoint);
    std::string given;
    for (const auto& option : options.fuse_options) given += (given.empty() ? "" : ",") + option;
    monitor.mounted(self, options.mountpoint.string(), given);
    notifier.start(session.get());
    result = fuse_session_loop_mt(session.get(), config.get());
    notifier.stop();
  }
  monitor.unmounted(self);
  if (result < 0) throw store::Error(store::Code::io, std::string("the mount ended: ") + std::strerror(-result));
}

}  // namespace ward::fs

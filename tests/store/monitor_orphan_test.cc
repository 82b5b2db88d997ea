// SPDX-License-Identifier: Apache-2.0
// Goal: a file that lost its name is there for as long as the kernel may come back to it.
// Method: the monitor without a mount, asked as the kernel would ask it in the order of a race that the kernel rarely
// runs.
#include <fcntl.h>
#include <unistd.h>

#include "policy/policy.h"
#include "store/init.h"
#include "store/monitor.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using ward::tests::TempDir;

namespace {

struct Store {
  TempDir temp;
  std::filesystem::path path = temp.path() / "store";
  Requester me{::geteuid(), ::getegid(), ::gettid()};
  std::unique_ptr<Monitor> monitor;

  Store() {
    init_store(path, {ward::policy::preset("allow-all"), "allow-all", ""});
    monitor = std::make_unique<Monitor>(path, Monitor::Hooks());
  }
  void save(const std::string& name, const std::string& bytes) {
    auto opened = monitor->create(me, {kRoot, name}, 0644, O_WRONLY);
    REQUIRE(opened);
    REQUIRE(monitor->write(opened->handle, me, 0, bytes, false));
    REQUIRE(monitor->flush(*opened->handle, me.tid()));
    monitor->release(opened->handle);
  }
  NodeRef find(const std::string& name) {
    const auto view = monitor->lookup(me, kRoot, name);
    REQUIRE(view);
    NodeRef node;
    node.artifact = view->inode.id, node.number = view->inode.number, node.face = view->face;
    node.commit = view->inode.commit, node.version = view->inode.version;
    node.sha256 = view->inode.sha256, node.size = view->inode.size;
    node.recent = true;
    return node;
  }
};

}  // namespace

TEST_CASE("a look-up that a rename and a forgetting overtook still opens what it found", "[monitor]") {
  Store store;
  store.save("f", "old");
  store.save("g", "new");
  const auto found = store.find("f");  // on its way to the kernel, which knew the file from before
  while (!store.monitor->rename(store.me, {kRoot, "g"}, {kRoot, "f"}, 0)) {
  }
  store.monitor->forget(found.number);  // of the kernel's earlier look-up
  const auto opened = store.monitor->open(store.me, found, O_RDONLY);
  REQUIRE(opened);
  CHECK((*opened)->object->size() == 3);
  CHECK((*opened)->version == 1);
  store.monitor->release(*opened);
  REQUIRE(store.monitor->attributes(found));
  CHECK(store.monitor->attributes(found)->nlink == 0);
}

TEST_CASE("a node that leads nowhere sends the kernel on another walk", "[monitor]") {
  Store store;
  NodeRef gone;
  gone.artifact = gone.number = 4711, gone.face = Face::version;
  CHECK(store.monitor->open(store.me, gone, O_RDONLY).error() == ESTALE);
  CHECK(store.monitor->attributes(gone).error() == ESTALE);
}

// SPDX-License-Identifier: Apache-2.0
// Goal: what a thread wants with a FIFO, socket or device is never taken for less than it is. Method: the texts that
// the kernel writes for system calls, real and forged.
#include "store/intent.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "store/requester.h"
#include "tests/catch.h"

using namespace ward::store;

namespace {

Intent open_with(unsigned flags) {
  char text[128];
  std::snprintf(text, sizeof text, "%d 0xffffff9c 0x7ffe5c0 0x%x 0x1b6 0x0 0x0 0x7ffe5c0 0x7f5c9eff", SYS_openat,
                flags);
  return parse_intent(text);
}

}  // namespace

TEST_CASE("an open wants what its flags say", "[intent]") {
  CHECK(open_with(O_RDONLY).access == kRead);
  CHECK(open_with(O_WRONLY | O_NONBLOCK).access == kWrite);
  CHECK(open_with(O_RDWR).access == (kRead | kWrite));
  CHECK(open_with(O_RDONLY | O_TRUNC).access == (kRead | kWrite));
  CHECK(open_with(O_PATH).access == (kRead | kWrite));
  CHECK(open_with(O_PATH).by_path);
  CHECK(open_with(O_WRONLY | O_CREAT | O_EXCL).access == 0);  // fails: the name stands
  CHECK(open_with(O_WRONLY | O_CREAT).creates);
  CHECK_FALSE(open_with(O_WRONLY).creates);
}

TEST_CASE("a look and a change of names want nothing; whatever isn't known wants everything", "[intent]") {
  CHECK(parse_intent(std::to_string(SYS_newfstatat) + " 0xffffff9c 0x1 0x2 0x0 0x0 0x0 0x3 0x4").access == 0);
  CHECK(parse_intent(std::to_string(SYS_unlinkat) + " 0xffffff9c 0x1 0x0 0x0 0x0 0x0 0x3 0x4").access == 0);
  CHECK(parse_intent(std::to_string(SYS_readlinkat) + " 0xffffff9c 0x1 0x0 0x0 0x0 0x0 0x3 0x4").reads);
  CHECK_FALSE(open_with(O_RDONLY).reads);
  CHECK(parse_intent(std::to_string(SYS_connect) + " 0x3 0x1 0x10 0x0 0x0 0x0 0x3 0x4").access == kWrite);
  for (const std::string text : {"", "running", "running\n", "-1 0x7ffe 0x7f5c", "262", "262x 0x1", "9999 0x0 0x0 0x0",
                                 "437 0xffffff9c 0x1 0x2 0x18 0x0 0x0 0x3 0x4"})  // openat2: its flags lie in memory
    CHECK(parse_intent(text).access == (kRead | kWrite));
}

TEST_CASE("no call that is taken for harmless opens anything in the 32-bit ABI", "[intent]") {
  for (const int number : {5, 8, 11, 102, 295, 342, 362, 369, 370, 437})  // open, creat, execve, socketcall, openat, …
    CHECK(parse_intent(std::to_string(number) + " 0x0 0x0 0x0").access != 0);
}

TEST_CASE("a thread that is gone wants everything", "[intent]") {
  CHECK(intent_of(0, 0x7ffffff0).access == (kRead | kWrite));
}

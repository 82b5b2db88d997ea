// SPDX-License-Identifier: Apache-2.0
// Every exit code of `ward`, here and nowhere else. Scripts of users rely on them: a number never changes its meaning.
#pragma once

namespace ward::tools {

enum class Exit {
  ok = 0,
  failure = 1,           // an operation failed: the message names it and the system's reason
  usage = 2,             // the command line is wrong
  config = 3,            // not a store, a half-made store, or its ward.toml is wrong
  format = 4,            // a store of another format version
  busy = 5,              // another ward uses the store, or something uses the mount
  missing_key = 6,       // the log's private key can't be read, or its token isn't there
  mountpoint = 7,        // the mount point is missing, no folder, not empty, or a mount already
  damaged = 8,           // the log, the catalog or an object contradicts itself; the message says what to do
  policy = 9,            // a policy that is malformed, or whose own tests fail
  no_space = 10,         // the disk is full
  self_consistent = 11,  // the log is consistent, but nothing kept elsewhere (--key, --checkpoint) vouches for it
  not_verified = 12,     // the log is not what the key or the checkpoint says, or contradicts itself
  not_a_mount = 13,      // the path isn't inside a mount of ward, or its daemon is gone
  no_such_path = 14,     // the path isn't there, or the caller may not see it
};

}  // namespace ward::tools

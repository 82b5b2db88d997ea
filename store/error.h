// SPDX-License-Identifier: Apache-2.0
// The one exception of the store: broken machinery throws it; expected outcomes (missing, denied) are values.
#pragma once
#include <cerrno>
#include <stdexcept>
#include <string>

namespace ward::store {

enum class Code {
  io,           // the disk refused; the message carries errno's text
  no_space,     // ENOSPC or EDQUOT
  no_reserve,   // the disk is full, and so is what the log keeps for what must be recorded even then
  busy,         // another daemon holds the store
  corrupt,      // bytes on disk contradict the format or a hash
  format,       // a store, record or file of a version that this program does not know
  config,       // ward.toml or another input file of the user is wrong
  missing_key,  // the log's private key can't be read
  too_many,     // EMFILE or ENFILE: the daemon has too many files open
  too_large,    // EFBIG: more than the disk's file system lets a file hold
  usage,        // the caller asked for something that can't be (wrong path, wrong kind)
};

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

/// What goes by itself when there is room again.
inline bool of_full_disk(const Error& error) {
  return error.code() == Code::no_space || error.code() == Code::no_reserve;
}

/// Throws Error for a failed system call: `what` names operation and object, `err` is errno captured at the call.
/// ENOSPC and EDQUOT become Code::no_space, EMFILE and ENFILE Code::too_many, EFBIG Code::too_large, all
/// others Code::io.
[[noreturn]] void throw_errno(const std::string& what, int err = errno);

}  // namespace ward::store

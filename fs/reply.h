// SPDX-License-Identifier: Apache-2.0
// What a driver operation returns, and the trampoline that turns it, or an exception, into exactly one reply. Locks are
// released before the reply by construction: an operation returns first.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "fs/fuse_api.h"
#include "store/error.h"
#include "store/requester.h"
#include "store/result.h"

namespace ward::fs {

class Driver;

/// One request on its way: who asks, and libfuse's handle of it.
struct Call {
  explicit Call(fuse_req_t request)
      : req(request), who(fuse_req_ctx(request)->uid, fuse_req_ctx(request)->gid, fuse_req_ctx(request)->pid) {}
  fuse_req_t req;
  store::Requester who;
};

struct EntryReply {
  fuse_entry_param entry;
};
struct AttrReply {
  struct stat attr;
  double timeout;
};
struct OpenReply {
  fuse_file_info info;
};
struct CreateReply {
  fuse_entry_param entry;
  fuse_file_info info;
};
struct TextReply {
  std::string text;
};  // a symlink's target
struct DataReply {
  std::string bytes;
};
/// Bytes of a mapping that `keep` holds until the reply is out.
struct SliceReply {
  std::span<const char> bytes;
  std::shared_ptr<const void> keep;
};
struct XattrReply {
  std::string value;
  std::size_t room;
};  // room 0: only the size is asked for
struct WriteReply {
  std::size_t written;
};
struct SeekReply {
  off_t at;
};
struct StatfsReply {
  struct statvfs stat;
};
struct Silence {};  // forget

/// The errno of an exception that an operation let through.
int errno_of(const store::Error& error) noexcept;

/// Before each answer: what it tells of is as durable as the policy wants. Throws store::Error.
void settle(Driver& driver);

/// Sends the reply; undoes what the kernel won't hear of when the request was interrupted.
void send(Driver& driver, fuse_req_t req, const EntryReply& reply);
void send(Driver& driver, fuse_req_t req, const AttrReply& reply);
void send(Driver& driver, fuse_req_t req, const OpenReply& reply);
void send(Driver& driver, fuse_req_t req, const CreateReply& reply);
void send(Driver& driver, fuse_req_t req, const TextReply& reply);
void send(Driver& driver, fuse_req_t req, const DataReply& reply);
void send(Driver& driver, fuse_req_t req, const SliceReply& reply);
void send(Driver& driver, fuse_req_t req, const XattrReply& reply);
void send(Driver& driver, fuse_req_t req, const WriteReply& reply);
void send(Driver& driver, fuse_req_t req, const SeekReply& reply);
void send(Driver& driver, fuse_req_t req, const StatfsReply& reply);
void send(Driver& driver, fuse_req_t req, const store::Done& reply);
/// Logs what broke and answers its errno.
void send_error(fuse_req_t req, const char* what, const std::exception& error) noexcept;

/// Adapts `Result<R> Driver::method(Call&, A...)` to the C signature that libfuse calls.
template <auto Method>
struct Op;

template <class R, class... A, store::Result<R> (Driver::*Method)(Call&, A...)>
struct Op<Method> {
  static void call(fuse_req_t req, A... args) noexcept {
    auto& driver = *static_cast<Driver*>(fuse_req_userdata(req));
    try {
      Call call(req);
      auto result = (driver.*Method)(call, args...);
      settle(driver);
      if (result) {
        send(driver, req, *result);
      } else {
        fuse_reply_err(req, result.error());
      }
    } catch (const std::exception& error) {
      send_error(req, __PRETTY_FUNCTION__, error);
    }
  }
};

}  // namespace ward::fs

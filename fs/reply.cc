// SPDX-License-Identifier: Apache-2.0
#include "fs/reply.h"

#include <cerrno>
#include <cstdio>

#include "fs/driver.h"

namespace ward::fs {

int errno_of(const store::Error& error) noexcept {
  switch (error.code()) {
    case store::Code::no_space:
      return ENOSPC;
    case store::Code::busy:
      return EBUSY;
    case store::Code::usage:
      return EINVAL;
    case store::Code::too_many:
      return EMFILE;
    case store::Code::too_large:
      return EFBIG;
    case store::Code::io:
    case store::Code::no_reserve:
    case store::Code::corrupt:
    case store::Code::format:
    case store::Code::config:
    case store::Code::missing_key:
      return EIO;
  }
  return EIO;
}

void send_error(fuse_req_t req, const char* what, const std::exception& error) noexcept {
  const auto* known = dynamic_cast<const store::Error*>(&error);
  const int code = known != nullptr ? errno_of(*known) : EIO;
  if (code != ENOSPC && code != EFBIG) std::fprintf(stderr, "ward: %s: %s\n", what, error.what());
  fuse_reply_err(req, code);
}

void settle(Driver& driver) {
  driver.settle();
}

void send(Driver& driver, fuse_req_t req, const EntryReply& reply) {
  if (fuse_reply_entry(req, &reply.entry) == -ENOENT) driver.forget(reply.entry.ino, 1);
}

void send(Driver&, fuse_req_t req, const AttrReply& reply) {
  fuse_reply_attr(req, &reply.attr, reply.timeout);
}

void send(Driver& driver, fuse_req_t req, const OpenReply& reply) {
  if (fuse_reply_open(req, &reply.info) == -ENOENT) driver.undo_open(req, reply.info);
}

void send(Driver& driver, fuse_req_t req, const CreateReply& reply) {
  if (fuse_reply_create(req, &reply.entry, &reply.info) != -ENOENT) return;
  driver.undo_open(req, reply.info);
  driver.forget(reply.entry.ino, 1);
}

void send(Driver&, fuse_req_t req, const TextReply& reply) {
  fuse_reply_readlink(req, reply.text.c_str());
}
void send(Driver&, fuse_req_t req, const DataReply& reply) {
  fuse_reply_buf(req, reply.bytes.data(), reply.bytes.size());
}
void send(Driver&, fuse_req_t req, const SliceReply& reply) {
  fuse_reply_buf(req, reply.bytes.data(), reply.bytes.size());
}

void send(Driver&, fuse_req_t req, const XattrReply& reply) {
  if (reply.room == 0) {
    fuse_reply_xattr(req, reply.value.size());
  } else if (reply.room < reply.value.size()) {
    fuse_reply_err(req, ERANGE);
  } else {
    fuse_reply_buf(req, reply.value.data(), reply.value.size());
  }
}

void send(Driver&, fuse_req_t req, const WriteReply& reply) {
  fuse_reply_write(req, reply.written);
}
void send(Driver&, fuse_req_t req, const SeekReply& reply) {
  fuse_reply_lseek(req, reply.at);
}
void send(Driver&, fuse_req_t req, const StatfsReply& reply) {
  fuse_reply_statfs(req, &reply.stat);
}
void send(Driver&, fuse_req_t req, const store::Done&) {
  fuse_reply_err(req, 0);
}

}  // namespace ward::fs

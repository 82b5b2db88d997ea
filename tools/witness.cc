// SPDX-License-Identifier: Apache-2.0
#include "tools/witness.h"

#include <charconv>
#include <ctime>

#include "store/cosignature.h"
#include "store/error.h"
#include "store/merkle.h"
#include "store/tiles.h"
#include "tools/http.h"

namespace ward::tools {
namespace {

constexpr long kGood = 200, kForbidden = 403, kNotFound = 404, kConflict = 409, kUnprocessable = 422;

std::string records(std::uint64_t count) {
  return std::to_string(count) + " records";
}

class Witness {
 public:
  explicit Witness(const CosignRequest& request)
      : request_(request), checkpoint_(store::parse_checkpoint(store::parse_note(request.checkpoint))) {}

  std::string ask() {
    auto old = request_.old <= checkpoint_.size ? request_.old : 0;
    auto reply = submit(old);
    if (reply.status == kConflict && size_in(reply) != old) {
      old = size_in(reply);
      if (old > checkpoint_.size)
        refuse("it has seen " + records(old) + ", and this checkpoint covers " + std::to_string(checkpoint_.size) +
               ": it is an old one, or the log was cut");
      reply = submit(old);
    }
    check(reply, old);
    return store::with_cosignature(request_.checkpoint, reply.body, request_.witness,
                                   static_cast<std::uint64_t>(std::time(nullptr)));
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw store::Error(store::Code::corrupt, "the witness " + request_.witness.name + " doesn't cosign: " + why);
  }
  [[noreturn]] void fail_request(const std::string& why) const {
    throw store::Error(store::Code::io, "the witness " + request_.witness.name + " at " + request_.url + " " + why);
  }

  HttpReply submit(std::uint64_t old) const {
    const auto proof = store::consistency_proof(old, checkpoint_.size, [&](unsigned level, std::uint64_t index) {
      return store::read_node(request_.audit, checkpoint_.size, level, index);
    });
    auto url = request_.url;
    while (url.ends_with('/')) url.pop_back();
    return http_post(url + "/add-checkpoint", store::add_checkpoint_body(old, proof, request_.checkpoint),
                     request_.timeout);
  }

  std::uint64_t size_in(const HttpReply& reply) const {
    std::uint64_t size = 0;
    const auto& text = reply.body;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), size);
    if (reply.type != "text/x.tlog.size" || parsed.ec != std::errc() || text != std::to_string(size) + "\n")
      fail_request("answered 409 without saying how many records it knows");
    return size;
  }

  void check(const HttpReply& reply, std::uint64_t old) const {
    switch (reply.status) {
      case kGood:
        return;
      case kNotFound:
        fail_request("doesn't know the log " + checkpoint_.origin +
                     ": its operator has to add it (or the URL is wrong)");
      case kForbidden:
        fail_request("doesn't accept the signature of the log " + checkpoint_.origin + ": it knows another key");
      case kUnprocessable:
        refuse("the log isn't a continuation of the " + records(old) + " that it has seen");
      case kConflict:
        if (old == checkpoint_.size) refuse("it has seen other " + records(old) + ": the log was rewritten");
        fail_request("answered 409 though it was told of the " + records(old) +
                     " that it knows: does somebody else ask for this log as well?");
      default:
        fail_request("answered with HTTP status " + std::to_string(reply.status));
    }
  }

  const CosignRequest& request_;
  const store::Checkpoint checkpoint_;
};

}  // namespace

std::string cosign(const CosignRequest& request) {
  return Witness(request).ask();
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// HTTP and HTTPS, the one door to libcurl. Nothing that comes back is trusted, or longer than it may be.
#pragma once
#include <chrono>
#include <string>

namespace ward::tools {

struct HttpReply {
  long status = 0;
  std::string type;  // Content-Type
  std::string body;  // at most 64 KiB
};

/// Posts `body` as text/plain. Follows no redirect. Throws store::Error{usage} for what isn't an http or https URL,
/// {io} when nothing came back in that time, or too much.
HttpReply http_post(const std::string& url, const std::string& body, std::chrono::seconds timeout);

}  // namespace ward::tools

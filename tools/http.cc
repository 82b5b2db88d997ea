// SPDX-License-Identifier: Apache-2.0
#include "tools/http.h"

#include <curl/curl.h>
#include <dlfcn.h>

#include "store/error.h"
#include "store/owned.h"

namespace ward::tools {
namespace {

constexpr std::size_t kMostReply = 64 * 1024;  // bytes

/// libcurl, loaded when it is asked for: linked, it would bring 18 libraries into a daemon that holds keys and never
/// uses them, and double the time that every `ward` takes to start (24 ms became 48).
struct Library {
  void* handle = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  template <class Function>
  void find(Function*& function, const char* name) const {
    void* found = handle != nullptr ? ::dlsym(handle, name) : nullptr;
    if (found == nullptr) throw store::Error(store::Code::io, std::string("libcurl can't be loaded: ") + ::dlerror());
    function = reinterpret_cast<Function*>(found);
  }
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) init;
  decltype(&curl_easy_cleanup) cleanup;
  decltype(&curl_easy_setopt) setopt;
  decltype(&curl_easy_perform) perform;
  decltype(&curl_easy_getinfo) getinfo;
  decltype(&curl_easy_strerror) strerror;
  decltype(&curl_slist_append) append;
  decltype(&curl_slist_free_all) free_all;
  Library() {
    find(global_init, "curl_global_init"), find(init, "curl_easy_init"), find(cleanup, "curl_easy_cleanup");
    find(setopt, "curl_easy_setopt"), find(perform, "curl_easy_perform"), find(getinfo, "curl_easy_getinfo");
    find(strerror, "curl_easy_strerror"), find(append, "curl_slist_append"), find(free_all, "curl_slist_free_all");
    global_init(CURL_GLOBAL_DEFAULT);
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

void free_curl(CURL* curl) {
  library().cleanup(curl);
}
void free_list(curl_slist* list) {
  library().free_all(list);
}
using Curl = store::Owned<CURL, free_curl>;
using Headers = store::Owned<curl_slist, free_list>;

/// Fewer bytes than there were end the transfer.
std::size_t take_reply(char* bytes, std::size_t one, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + one * count > kMostReply) return 0;
  body.append(bytes, one * count);
  return one * count;
}

template <class Value>
void set(const Curl& curl, CURLoption option, Value value) {
  if (library().setopt(curl.get(), option, value) != CURLE_OK)
    throw store::Error(store::Code::io, "libcurl is too old: it lacks option " + std::to_string(option));
}

[[noreturn]] void fail_transfer(CURLcode result, const std::string& url, const char* detail) {
  const bool usage = result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT;
  const std::string cause = result == CURLE_WRITE_ERROR ? "the answer is longer than 64 KiB"
                            : *detail != '\0'           ? detail
                                                        : library().strerror(result);
  throw store::Error(usage ? store::Code::usage : store::Code::io, url + ": " + cause);
}

}  // namespace

HttpReply http_post(const std::string& url, const std::string& body, std::chrono::seconds timeout) {
  const Curl curl(library().init());
  const Headers headers(library().append(nullptr, "Content-Type: text/plain; charset=utf-8"));
  if (!curl || !headers) throw store::Error(store::Code::io, "libcurl can't start");
  char detail[CURL_ERROR_SIZE] = "";
  HttpReply reply;
  set(curl, CURLOPT_ERRORBUFFER, detail);
  set(curl, CURLOPT_NOSIGNAL, 1L);
  set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set(curl, CURLOPT_FOLLOWLOCATION, 0L);
  set(curl, CURLOPT_TIMEOUT, static_cast<long>(timeout.count()));
  set(curl, CURLOPT_USERAGENT, "ward/" WARD_VERSION);
  set(curl, CURLOPT_HTTPHEADER, headers.get());
  set(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  set(curl, CURLOPT_POSTFIELDS, body.c_str());
  set(curl, CURLOPT_WRITEFUNCTION, take_reply);
  set(curl, CURLOPT_WRITEDATA, static_cast<void*>(&reply.body));
  set(curl, CURLOPT_URL, url.c_str());
  if (const auto result = library().perform(curl.get()); result != CURLE_OK) fail_transfer(result, url, detail);
  const char* type = nullptr;
  library().getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  library().getinfo(curl.get(), CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) reply.type = type;
  return reply;
}

}  // namespace ward::tools

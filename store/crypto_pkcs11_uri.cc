// SPDX-License-Identifier: Apache-2.0
#include "store/crypto_pkcs11_uri.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "store/error.h"
#include "store/files.h"

namespace ward::store {
namespace {

constexpr std::size_t kLongestPin = 255;

/// The path of a pin-source: file:/path, file:///path or /path. "" for anything else.
std::string path_of(std::string source) {
  if (source.starts_with("file:")) source.erase(0, 5);
  if (source.starts_with("///")) source.erase(0, 2);
  return source.starts_with("/") && !source.starts_with("//") ? source : "";
}

[[noreturn]] void no_pin(const std::string& why) {
  throw Error(Code::missing_key, "the PIN of the log's key: " + why);
}

/// Who can read the PIN can sign as the log, so the file belongs to nobody else and is closed to others.
void check_private(int fd, const std::string& path) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) throw_errno("stat " + path);
  if (!S_ISREG(st.st_mode)) no_pin(path + " isn't a file");
  if ((st.st_mode & 077) != 0) no_pin(path + " can be used by others: chmod 600 " + path);
  if (st.st_uid != ::geteuid() && st.st_uid != 0) no_pin(path + " belongs to another user");
}

void read_pin_file(const std::string& path, std::string& pin) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO is refused, not waited for
  if (!fd) no_pin("open " + path + ": " + std::strerror(errno));
  check_private(fd.get(), path);
  pin.resize(kLongestPin + 2);  // with a newline, and one more to see that there is more
  const auto size = ::read(fd.get(), pin.data(), pin.size());
  if (size < 0) no_pin("read " + path + ": " + std::strerror(errno));
  pin.resize(static_cast<std::size_t>(size));
  if (pin.ends_with('\n')) pin.pop_back();
  if (pin.empty() || pin.size() > kLongestPin) no_pin(path + " doesn't hold one: 1 to 255 bytes, and a newline");
}

}  // namespace

Pin::~Pin() {
  ::explicit_bzero(value_.data(), value_.size());
}

TokenUri::TokenUri(const std::string& text) : uri_(p11_kit_uri_new()) {
  const Owned<P11KitUri, p11_kit_uri_free> public_part(p11_kit_uri_new());
  for (auto* uri : {uri_.get(), public_part.get()}) {
    const int result = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri);
    if (result != P11_KIT_URI_OK)
      throw Error(Code::config, std::string("the log's key isn't a PKCS#11 URI: ") + p11_kit_uri_message(result));
  }
  if (p11_kit_uri_any_unrecognized(uri_.get()) != 0)
    throw Error(Code::config, "the PKCS#11 URI of the log's key has a part that isn't known");
  p11_kit_uri_set_pin_value(public_part.get(), nullptr);
  char* shown = nullptr;
  if (p11_kit_uri_format(public_part.get(), P11_KIT_URI_FOR_ANY, &shown) != P11_KIT_URI_OK)
    throw Error(Code::config, "the PKCS#11 URI of the log's key can't be written");
  shown_ = Owned<char, std::free>(shown).get();
  shown_.resize(std::min(shown_.size(), shown_.find('?')));  // which key it is; not how to get at it
}

std::string TokenUri::module_path() const {
  const char* path = p11_kit_uri_get_module_path(uri_.get());
  return path == nullptr ? "" : path;
}

bool TokenUri::matches(const CK_INFO& module) const {
  return p11_kit_uri_match_module_info(uri_.get(), &module) == 1;
}

bool TokenUri::matches(const CK_TOKEN_INFO& token) const {
  return p11_kit_uri_match_token_info(uri_.get(), &token) == 1;
}

std::vector<CK_ATTRIBUTE> TokenUri::object() const {
  std::vector<CK_ATTRIBUTE> wanted;
  for (const CK_ATTRIBUTE_TYPE type : {CKA_LABEL, CKA_ID})
    if (const auto* attribute = p11_kit_uri_get_attribute(uri_.get(), type)) wanted.push_back(*attribute);
  return wanted;
}

void TokenUri::read_pin(Pin& pin) const {
  if (const char* value = p11_kit_uri_get_pin_value(uri_.get())) {
    pin.value() = value;
    return;
  }
  const char* source = p11_kit_uri_get_pin_source(uri_.get());
  if (source == nullptr) no_pin("the token asks for one: add ?pin-source=file:/PATH to " + shown_);
  const auto path = path_of(source);
  if (path.empty()) no_pin("pin-source must be file:/PATH of a file");
  read_pin_file(path, pin.value());
}

}  // namespace ward::store

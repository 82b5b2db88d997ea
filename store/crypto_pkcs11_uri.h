// SPDX-License-Identifier: Apache-2.0
// What a PKCS#11 URI (RFC 7512) says: which module, which token, which key in it, and where its PIN is. A part of the
// door to PKCS#11: nobody but crypto_pkcs11.cc includes it.
#pragma once
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include <string>
#include <vector>

#include "store/owned.h"

namespace ward::store {

/// A PIN, wiped when it goes. It is in no message and in no exception.
class Pin {
 public:
  Pin() = default;
  explicit Pin(std::string value) : value_(std::move(value)) {}
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  ~Pin();
  std::string& value() { return value_; }

 private:
  std::string value_;
};

/// Immutable; thread-safe.
class TokenUri {
 public:
  /// Throws Error{config} for what isn't such a URI, or asks for what we don't know: its text is not in the message.
  explicit TokenUri(const std::string& text);

  const std::string& shown() const { return shown_; }  // token and object: for messages
  std::string module_path() const;                     // "" = the modules that are registered with p11-kit
  bool matches(const CK_INFO& module) const;
  bool matches(const CK_TOKEN_INFO& token) const;
  /// Label and id, as far as the URI says them: pointers into this object.
  std::vector<CK_ATTRIBUTE> object() const;
  /// The PIN of pin-value, or of the file pin-source, which is read now. Throws Error{missing_key} when the URI has
  /// none, or the file can't be read, isn't the user's own (or root's), or can be read by others.
  void read_pin(Pin& pin) const;

 private:
  Owned<P11KitUri, p11_kit_uri_free> uri_;
  std::string shown_;
};

}  // namespace ward::store

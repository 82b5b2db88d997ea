// SPDX-License-Identifier: Apache-2.0
// What a file-system operation of the monitor returns: a value, or the errno that the caller gets. Refusals were
// recorded before they are returned. Broken machinery throws store::Error instead.
#pragma once
#include <optional>
#include <utility>

namespace ward::store {

/// An errno on its way to the caller (ENOENT, EACCES, ESTALE, …). Positive.
struct Errno {
  int value;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): returned values convert
  Result(Errno error) : error_(error.value) {}   // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return value_.has_value(); }
  int error() const { return error_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  int error_ = 0;
};

struct Done {};
using Status = Result<Done>;

}  // namespace ward::store

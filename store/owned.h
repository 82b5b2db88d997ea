// SPDX-License-Identifier: Apache-2.0
// An owner for what a C library gives: freed by the library's own function.
#pragma once
#include <memory>

namespace ward::store {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

}  // namespace ward::store

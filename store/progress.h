// SPDX-License-Identifier: Apache-2.0
// How long-running work tells how far it is.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

namespace ward::store {

/// Called often, from the working thread: the step under way, how much of it is done, of how much (0 = unknown). May be
/// empty: test before calling.
using Progress = std::function<void(std::string_view step, std::uint64_t done, std::uint64_t total)>;

}  // namespace ward::store

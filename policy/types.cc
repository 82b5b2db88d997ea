// SPDX-License-Identifier: Apache-2.0
// The names of rights, depths, visibilities and retention modes.
#include "policy/types.h"

namespace ward::policy {

std::string_view to_string(Right right) noexcept {
  switch (right) {
    case Right::read:
      return "read";
    case Right::write:
      return "write";
    case Right::create:
      return "create";
    case Right::remove:
      return "delete";
    case Right::list:
      return "list";
    case Right::tag:
      return "tag";
    case Right::promote:
      return "promote";
    case Right::approve:
      return "approve";
    case Right::hold:
      return "hold";
    case Right::sign:
      return "sign";
    case Right::purge:
      return "purge";
    case Right::audit:
      return "audit";
    case Right::administer:
      return "administer";
  }
  return "";
}

std::string_view to_string(Depth depth) noexcept {
  switch (depth) {
    case Depth::open:
      return "open";
    case Depth::ranges:
      return "ranges";
    case Depth::request:
      return "request";
  }
  return "";
}

std::string_view to_string(Visibility visibility) noexcept {
  return visibility == Visibility::write ? "write" : "close";
}

std::string_view to_string(RetentionMode mode) noexcept {
  return mode == RetentionMode::compliance ? "compliance" : "governance";
}

std::optional<Right> right_from_string(std::string_view name) noexcept {
  for (const Right right : kRights) {
    if (to_string(right) == name) return right;
  }
  return std::nullopt;
}

}  // namespace ward::policy

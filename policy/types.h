// SPDX-License-Identifier: Apache-2.0
// The nouns of a policy decision. Plain values: who asks (Subject), for what (Right), on what (Object), and the answer.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ward::policy {

/// What can be asked for. In TOML `remove` is written "delete".
enum class Right { read, write, create, remove, list, tag, promote, approve, hold, sign, purge, audit, administer };
inline constexpr std::array kRights = {Right::read,  Right::write,   Right::create,    Right::remove, Right::list,
                                       Right::tag,   Right::promote, Right::approve,   Right::hold,   Right::sign,
                                       Right::purge, Right::audit,   Right::administer};

/// How closely reads and writes are audited: the open and close only, exact byte ranges, or every request.
enum class Depth { open, ranges, request };

/// What a record outlives before its operation is answered: `os` the end of the daemon, `disk` that of the machine.
enum class Durability { os, disk };

/// When others see a save: when it is closed, or (`write`) write by write, plainly POSIX.
enum class Visibility { close, write };

/// Who may shorten a retention: with `governance` those who have the right to purge, with `compliance` nobody.
enum class RetentionMode { governance, compliance };

/// The names used in TOML and in the audit log ("delete" for Right::remove). Never throw.
std::string_view to_string(Right right) noexcept;
std::string_view to_string(Depth depth) noexcept;
std::string_view to_string(Visibility visibility) noexcept;
std::string_view to_string(RetentionMode mode) noexcept;

/// Inverse of to_string; nullopt for any other text.
std::optional<Right> right_from_string(std::string_view name) noexcept;

/// Who asks. `group_names` are the names of `gid` and of `groups`, as far as they have names; `user` is that of `uid`.
/// `executable` is the absolute path of the program, "" when unknown.
struct Subject {
  std::uint32_t uid = 4294967295U;
  std::uint32_t gid = 4294967295U;
  std::vector<std::uint32_t> groups;
  std::uint32_t login_uid = 4294967295U;
  std::string user;
  std::vector<std::string> group_names;
  std::string executable;
};

/// What is asked for. `paths` are its names, raw bytes, absolute in the mount, normalised ("/" or "/a/b"). `paths[0]`
/// is its home: it alone decides permits, while forbids are tested on every name. While nothing is there yet (`exists`
/// false, a create), `owner` is the owner of the folder it is made in, and an empty `stage` means the initial stage.
struct Object {
  std::vector<std::string> paths;
  std::string stage;  // "" = has none (a folder)
  std::vector<std::string> labels;
  std::uint32_t owner = 4294967295U;
  bool exists = true;
};

/// One question. Holds references: build it in the call to decide() and don't keep it.
struct Request {
  const Subject& subject;
  Right right;
  const Object& object;
  std::int64_t now;  // nanoseconds since 1970-01-01 UTC
};

/// The answer. `rule` is the deciding rule's name, "default-deny" when no rule permits, "error" when the question or a
/// rule can't be evaluated (which denies). `reason` and `who_could` are for people and filled only when denied;
/// who_could lists the roles that may do it, as "stewards, owner", "" when nobody may.
struct Decision {
  bool permitted = false;
  std::string rule;
  std::string reason;
  std::string who_could;
};

}  // namespace ward::policy

// SPDX-License-Identifier: Apache-2.0
// The policy: parsed from TOML (POLICY.md describes the format), compiled once, asked on every operation.
// Pure: no I/O, no clock, no state. No function here throws, except std::bad_alloc.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/types.h"

namespace ward::policy {

/// Why a text is not a policy: position (from 1; the column counts characters) and what to do about it.
struct ParseError {
  int line = 1;
  int column = 1;
  std::string cause;
  bool operator==(const ParseError&) const = default;
};

/// "line 3, column 7: unknown right "wirte": use one of …"
std::string to_string(const ParseError& error);

struct Compiled;

/// A valid policy. Immutable; copies share it and are cheap; safe to read from any number of threads. There is no empty
/// policy: only parse() makes one.
class Policy {
 public:
  explicit Policy(std::shared_ptr<const Compiled> compiled) noexcept : compiled_(std::move(compiled)) {}
  const Compiled& compiled() const noexcept { return *compiled_; }

 private:
  std::shared_ptr<const Compiled> compiled_;
};

/// Reads a policy. A bad one is a value, never an exception. Its own examples are not run: see run_tests().
std::variant<Policy, ParseError> parse(std::string_view text);

/// Decides as Cedar does: any forbid that matches wins, else any permit, else deny; what can't be evaluated denies.
/// Among several that match, the first in the text is named. Microseconds; allocates only to explain a denial.
[[nodiscard]] Decision decide(const Policy& policy, const Request& request);

/// Whether `subject` is in `role`: a role of the policy, "everyone", or "owner" (subject owns what `owner` owns).
/// False for a role that doesn't exist.
bool in_role(const Policy& policy, std::string_view role, const Subject& subject, std::uint32_t owner);

/// The labels that [[label]] tables give to what stands at `path`: of every table that matches, each label once,
/// sorted. An artifact has these besides those that it got from what it was made from.
std::vector<std::string> labels(const Policy& policy, std::string_view path);

/// The audit depth: the first [[audit]] table that matches, else Depth::ranges.
Depth depth(const Policy& policy, std::string_view path, const std::vector<std::string>& labels);

/// How durable records about the path are: as the same table says, else Durability::os. The labels that count are those
/// which the policy itself gives to the path.
Durability durability(const Policy& policy, std::string_view path);

/// How the audit log itself is kept: the [log] table. Nanoseconds.
struct LogKeeping {
  std::int64_t roll = 0;         // a segment gets no lines any more that long after its first; 0 = only its size counts
  std::int64_t prune_after = 0;  // lines of that age go, their hashes stay; 0 = never
};
LogKeeping log_keeping(const Policy& policy);

/// When saves are visible: the first [[visibility]] table that matches, else Visibility::close.
Visibility visibility(const Policy& policy, std::string_view path);

/// Whether the path is a scratch name: audited, but not versioned until it gets a governed name.
bool scratch(const Policy& policy, std::string_view path);

/// How long a version is kept. Times are nanoseconds since 1970 UTC; 0 = none, the largest int64 = for ever.
struct Retention {
  std::string rule;  // "" = no rule: nothing is kept against its owner's will, nothing is purged
  RetentionMode mode = RetentionMode::governance;
  std::int64_t keep_until = 0;
  std::int64_t purge_after = 0;
  std::int64_t archive_after = 0;
};

/// The first [[retention]] table that matches, counted from `saved_at`. Times saturate instead of overflowing.
Retention retention(const Policy& policy, std::string_view path, const std::vector<std::string>& labels,
                    std::string_view stage, std::int64_t saved_at);

/// `count` different people of `role` must approve.
struct Approval {
  std::string role;
  int count = 1;
};

/// One allowed step of a lifecycle. The right to promote is needed besides.
struct Transition {
  std::string from;
  std::string to;
  std::vector<std::string> who;     // may ask for it: roles, "everyone", "owner"; see may_request()
  std::vector<std::string> checks;  // names of checks that must have passed
  std::vector<Approval> approvals;  // all are needed
  bool self_approval = false;       // whether an author of the version may approve it
  bool signature = false;           // whether the version must be signed
};

/// The stages of the lifecycle of `path`, in order: the first [[lifecycle]] that matches, else the built-in
/// training, validation, staging, deployment, monitoring, retirement. Never empty.
std::vector<std::string> stages(const Policy& policy, std::string_view path);

/// The stage a new version starts in: the first of stages().
std::string initial_stage(const Policy& policy, std::string_view path);

/// Whether two paths have one lifecycle: a stage granted under the one is worth as much under the other.
bool same_lifecycle(const Policy& policy, std::string_view path, std::string_view other);

/// The step from one stage to another in the lifecycle of `path`; nullopt when it isn't allowed at all.
std::optional<Transition> transition(const Policy& policy, std::string_view path, std::string_view from,
                                     std::string_view to);

/// Whether `subject` is one of `transition.who` for something that `owner` owns.
bool may_request(const Policy& policy, const Transition& transition, const Subject& subject, std::uint32_t owner);

/// One of the policy's own examples that doesn't hold: where its [[test]] stands, and expected versus got.
struct TestFailure {
  int line = 0;
  std::string message;
};

/// Runs every [[test]]; empty = all hold. A policy whose tests fail should not be activated.
std::vector<TestFailure> run_tests(const Policy& policy);

/// How many [[test]] tables the policy has.
std::size_t test_count(const Policy& policy);

/// The TOML text of a policy that comes with the program: "team" or "allow-all"; "" for any other name.
std::string preset(std::string_view name);

}  // namespace ward::policy

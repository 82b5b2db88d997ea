// SPDX-License-Identifier: Apache-2.0
// The monitor on governance: the policy itself, stages, refusals explained, reports.
#include <unistd.h>

#include <cerrno>

#include "store/crypto.h"
#include "store/error.h"
#include "store/monitor.h"
#include "store/reports.h"

namespace ward::store {

Monitor::PolicyResult Monitor::replace_policy(const Requester& who, const std::string& text) {
  who.prepare();
  static const std::string kPath = "/@@/policy.toml";
  const auto refused = [&](const Lock& held, std::string message, int error) -> PolicyResult {
    Verdict verdict;
    verdict.permitted = false, verdict.error = error, verdict.policy = policy_number_, verdict.reason = message;
    verdict.who_could = "anyone who may administer, with a policy that is valid and passes its own tests";
    (void)refuse(held, who, "policy-change", 0, kPath, "w", verdict);
    return {error, std::move(message), 0};
  };
  auto parsed = policy::parse(text);
  std::vector<policy::TestFailure> failures;
  if (const auto* fresh = std::get_if<policy::Policy>(&parsed)) failures = policy::run_tests(*fresh);
  Sha256 object;
  {
    const auto held = lock();
    const auto root = *find(held, kRoot);
    const auto verdict = judge(held, who, policy::Right::administer, object_of(held, root));
    if (!verdict.permitted)
      return {refuse(held, who, "policy-change", 0, kPath, "w", verdict).value, verdict.reason, 0};
    if (const auto* error = std::get_if<policy::ParseError>(&parsed))
      return refused(held, "policy refused: " + policy::to_string(*error), EINVAL);
    if (!failures.empty())
      return refused(
          held,
          "policy refused: line " + std::to_string(failures[0].line) + ": its own test fails: " + failures[0].message,
          EINVAL);
  }
  object = objects_.put(text);  // durable before the record that names it
  const auto held = lock();
  const auto root = *find(held, kRoot);
  const auto verdict = judge(held, who, policy::Right::administer, object_of(held, root));
  if (!verdict.permitted) return {refuse(held, who, "policy-change", 0, kPath, "w", verdict).value, verdict.reason, 0};
  PolicyChange change;
  change.was = policy_number_, change.number = policy_number_ + 1;
  change.sha256 = object, change.size = text.size();
  const auto& fresh = std::get<policy::Policy>(parsed);
  change.tests_passed = policy::test_count(fresh);
  append(held, record(who, kPath, change, verdict));
  policy_ = fresh;
  policy_number_ = change.number;
  return {0, "", change.number};
}

std::string Monitor::policy_text() const {
  Sha256 object;
  {
    const auto held = lock();
    object = catalog_->policy()->sha256;
  }
  return objects_.get(object);
}

Status Monitor::set_stage(const Requester& who, Id artifact, const std::string& stage) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, artifact);
  if (!inode || inode->kind != Kind::file) return Errno{ENOENT};
  const auto path = path_of(held, inode->home);
  const auto version = catalog_->version({artifact, inode->version});
  const auto refused = [&](const char* reason, int error) {
    Verdict verdict;
    verdict.permitted = false, verdict.error = error, verdict.policy = policy_number_,
    verdict.reason = std::string("denied: ") + reason;
    return refuse(held, who, "stage", artifact, path, "", verdict);
  };
  if (!version) return refused("nothing was saved under this name yet", EINVAL);
  if (version->stage == stage) return Done{};
  auto verdict = judge(held, who, policy::Right::promote, object_of(held, *inode));
  if (!verdict.permitted) return refuse(held, who, "stage", artifact, path, "", verdict);
  const auto step = policy::transition(*policy_, path, version->stage, stage);
  if (!step) return refused(("the lifecycle has no step from " + version->stage + " to " + stage).c_str(), EINVAL);
  if (!policy::may_request(*policy_, *step, who.subject(), inode->uid))
    return refused("you are none of those who may ask for this step", EACCES);
  if (!version->final) return refused("the version isn't final: somebody still has it open for writing", EBUSY);
  if (!step->checks.empty() || !step->approvals.empty() || step->signature)
    return refused("the step asks for checks, approvals or a signature, which this version of WardFS can't collect",
                   EPERM);
  append(held,
         record(who, path, StageChange{artifact, inode->last, inode->version, inode->sha256, version->stage, stage},
                verdict));
  announce(held, artifact);
  return Done{};
}

std::vector<Why> Monitor::why(std::uint32_t uid) const {
  const auto held = lock();
  const auto found = why_.find(uid);
  if (found == why_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

Status Monitor::open_report(const Requester& who, Id artifact, policy::Right right, const std::string& path) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, artifact);
  if (!inode) return Errno{ENOENT};
  const auto verdict = judge(held, who, right, object_of(held, *inode));
  if (!verdict.permitted) return refuse(held, who, "open", artifact, path, "r", verdict);
  if (inode->kind == Kind::file && !mode_allows(who, *inode, kRead))
    return refuse_mode(held, who, "open", *inode, path, EACCES,
                       "the file's mode bits don't let you read it, nor what is known of it");
  Open open;
  open.artifact = artifact, open.version = inode->version, open.handle = ledger_->next(), open.mode = "report",
  open.depth = "open";
  append(held, record(who, path, open, verdict));
  return Done{};
}

std::string Monitor::report(const Requester& who, const std::function<std::string(const Sight&)>& render) const {
  who.prepare();
  const auto held = lock();
  const auto visible = [&](Id id) {
    const auto inode = find(held, id);
    return inode && judge(held, who, policy::Right::read, object_of(held, *inode)).permitted;
  };
  return render({*catalog_, *policy_, visible});
}

std::string Monitor::status() const {
  const auto held = lock();
  std::vector<std::pair<std::string, std::string>> facts{
      {"pid", std::to_string(::getpid())},
      {"records", std::to_string(log_->size())},
      {"synced", std::to_string(log_->synced())},
      {"published", std::to_string(catalog_->published())},
      {"unpublished", std::to_string(publisher_->lag().records)},
      {"policy", std::to_string(policy_number_)},
      {"drafts", std::to_string(drafts_.size())},
      {"handles", std::to_string(handles_.size())},
  };
  return status_text(*catalog_, facts);
}

}  // namespace ward::store

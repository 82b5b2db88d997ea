// SPDX-License-Identifier: Apache-2.0
// The monitor on governance: the policy itself, stages, refusals explained, reports.
#include <unistd.h>

#include <cerrno>

#include "store/crypto.h"
#include "store/error.h"
#include "store/monitor.h"
#include "store/record_json.h"
#include "store/reports.h"
#include "store/segments.h"

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
  const auto inode = catalog_->inode(artifact);
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
  for (const auto& name : object_of(held, *inode).paths)
    if (!policy::same_lifecycle(*policy_, path, name))
      return refused(("another lifecycle holds at its other name " + name).c_str(), EPERM);
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
  announce(held, *inode);
  return Done{};
}

std::vector<Why> Monitor::why(std::uint32_t uid) const {
  const auto held = lock();
  const auto found = why_.find(uid);
  if (found == why_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

Monitor::Verdict Monitor::judge_report(const Lock& held, const Requester& who, const Inode& inode,
                                       policy::Right right) const {
  auto verdict = judge(held, who, right, object_of(held, inode));
  // The log and the policy are governed by rights of their own; what is known of a folder is as readable as its list.
  const bool of_folder = inode.kind == Kind::folder;
  const bool own_right = of_folder && (right == policy::Right::audit || right == policy::Right::administer);
  if (!verdict.permitted || own_right || mode_allows(who, inode, kRead)) return verdict;
  return refused_by_mode(inode, EACCES,
                         of_folder ? "the folder's mode bits don't let you list it, nor read what is known of it"
                                   : "the file's mode bits don't let you read it, nor what is known of it");
}

Status Monitor::open_report(const Requester& who, Id artifact, policy::Right right, const std::string& path) {
  who.prepare();
  const auto held = lock();
  const auto inode = catalog_->inode(artifact);
  if (!inode) return Errno{ENOENT};
  const auto verdict = judge_report(held, who, *inode, right);
  if (!verdict.permitted) return refuse(held, who, "open", artifact, path, "r", verdict);
  Open open;
  open.artifact = artifact, open.version = inode->version, open.handle = ledger_->next(), open.mode = "report",
  open.depth = "open";
  append(held, record(who, path, open, verdict));
  return Done{};
}

Status Monitor::open_own_records(const Requester& who, const std::string& path) {
  who.prepare();
  const auto held = lock();
  policy::Object object;
  object.paths = {path}, object.owner = 0;
  const auto verdict = judge(held, who, policy::Right::read, object);
  if (!verdict.permitted) return refuse(held, who, "open", 0, path, "r", verdict);
  Open open;
  open.artifact = kRoot, open.handle = ledger_->next(), open.mode = "report", open.depth = "open";
  append(held, record(who, path, open, verdict));
  return Done{};
}

bool Monitor::may_open_report(const Requester& who, Id artifact, policy::Right right) const {
  who.prepare();
  const auto held = lock();
  const auto inode = catalog_->inode(artifact);
  return inode && judge_report(held, who, *inode, right).permitted;
}

/// It holds bytes of the version that it started from, which its author may not have been allowed to read.
Status Monitor::open_kept(const Requester& who, Id draft, const std::string& path) {
  const auto all = segments(folder_ / "audit");
  if (all.empty() || draft < all.front().first)  // the record that tells whose it is was pruned
    return open_report(who, kRoot, policy::Right::administer, path);
  const auto opened = parse_line(line_at(folder_ / "audit", draft));
  const auto* open = std::get_if<Open>(&opened.payload);
  const auto* create = std::get_if<Create>(&opened.payload);
  const Id artifact = open != nullptr ? open->artifact : create != nullptr ? create->artifact : 0;
  if (opened.user.id != who.uid()) return open_report(who, kRoot, policy::Right::administer, path);
  who.prepare();
  Inode gone;  // nothing of it is left but what its author wrote
  gone.id = artifact, gone.uid = opened.user.id, gone.mode = 0600;
  const auto held = lock();
  const auto inode = catalog_->inode(artifact);
  policy::Object object;
  if (inode) {
    object = object_of(held, *inode);
  } else {
    object.paths = {opened.path}, object.owner = gone.uid;
  }
  auto verdict = judge(held, who, policy::Right::read, object);
  const Inode& judged = inode ? *inode : gone;
  if (verdict.permitted && !(mode_allows(who, judged, kRead) && (!inode || reachable(held, who, *inode))))
    verdict = refused_by_mode(judged, EACCES, "mode bits don't let you read the file that it is a draft of");
  if (!verdict.permitted) return refuse(held, who, "open", artifact, path, "r", verdict);
  Open report;
  report.artifact = artifact, report.handle = ledger_->next(), report.mode = "report", report.depth = "open";
  append(held, record(who, path, report, verdict));
  return Done{};
}

std::string Monitor::report(const Requester& who, const std::function<std::string(const Sight&)>& render) const {
  who.prepare();
  const auto held = lock();
  return render({*catalog_, *policy_, [&](Id id) { return visible(held, who, id); }});
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

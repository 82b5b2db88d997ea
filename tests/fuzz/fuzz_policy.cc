// SPDX-License-Identifier: Apache-2.0
// Goal: no text makes the policy parser or a policy that it accepted crash, hang or blow up.
// Method: what parses is asked every kind of question and runs its own tests; what doesn't has a position inside.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "policy/policy.h"

using namespace ward::policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    if (error->line < 1 || error->column < 1 || error->cause.empty()) std::abort();
    (void)to_string(*error);
    return 0;
  }
  const auto& policy = std::get<Policy>(parsed);
  (void)run_tests(policy);
  Subject subject;
  subject.uid = 1001, subject.gid = 100, subject.user = "ann", subject.groups = {100}, subject.group_names = {"ml"};
  subject.executable = "/usr/bin/cp";
  Object object;
  object.labels = {"pii"};
  for (const char* path : {"/", "/models/m.bin", "/a/b/c/d/e/f/g/h/i/j.tmp", "/\xff\n/\x1b"}) {
    object.paths = {path, "/data/raw/x.csv"};
    for (const Right right : kRights) (void)decide(policy, {subject, right, object, 0});
    (void)depth(policy, path, object.labels);
    (void)visibility(policy, path);
    (void)scratch(policy, path);
    (void)retention(policy, path, object.labels, "training", INT64_MAX - 1);
    const auto all = stages(policy, path);
    if (all.empty() || all.front() != initial_stage(policy, path)) std::abort();
    for (const auto& from : all)
      for (const auto& to : all)
        if (const auto step = transition(policy, path, from, to)) (void)may_request(policy, *step, subject, 1001);
  }
  return 0;
}

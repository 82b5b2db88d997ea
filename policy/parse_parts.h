// SPDX-License-Identifier: Apache-2.0
// The parts of parse(): each reads one kind of table into the draft of a policy. In the order of need: lifecycles name
// the stages that rules speak of, and rules are named by tests.
#pragma once
#include <string>
#include <vector>

#include "policy/reader.h"

namespace ward::policy {

/// A policy being read.
struct Draft {
  Compiled compiled;
  Problems problems;
  std::vector<std::string> stages;      // of all lifecycles
  std::vector<std::string> rule_names;  // of permits, forbids and retentions: unique among them all
};

/// Appends the [[lifecycle]] tables of `document` to the draft's.
void read_lifecycles(const Node& document, Draft& draft);

/// Reads [[permit]] and [[forbid]].
void read_rules(const Node& document, Draft& draft);

/// Reads [[retention]], [[audit]], [log], [[label]], [[visibility]] and [[scratch]].
void read_retentions(const Node& document, Draft& draft);
void read_audits(const Node& document, Draft& draft);
void read_log(const Node& document, Draft& draft);
void read_labels(const Node& document, Draft& draft);
void read_visibilities(const Node& document, Draft& draft);
void read_scratches(const Node& document, Draft& draft);

/// Reads [[test]].
void read_examples(const Node& document, Draft& draft);

/// A rule's name: required, and not yet taken.
std::string read_rule_name(const Node& table, std::string_view what, Draft& draft);

/// `where` and `not_where` of a table; everything when `where` is absent.
Where read_where(const Node& table, Problems& problems);

/// Which conditions make sense where: retention and audit depth are decided without somebody asking.
enum class Conditions { permit, forbid, retention, audit };

/// `when` of a table; no conditions when absent.
When read_when(const Node& table, Conditions conditions, Draft& draft);

/// Rights, where "*" stands for all.
std::uint32_t read_rights(const Node& node, Problems& problems);

/// A list of stages that exist.
std::vector<std::string> read_stages(const Node& node, Draft& draft);

}  // namespace ward::policy

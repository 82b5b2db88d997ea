// SPDX-License-Identifier: Apache-2.0
// Typed values out of the TOML tree: tables, lists, names, patterns, paths.
#include "policy/reader.h"

#include <algorithm>
#include <utility>

namespace ward::policy {
namespace {

std::string kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::text:
      return "a text";
    case Node::Kind::integer:
      return "an integer";
    case Node::Kind::real:
      return "a number with a fraction";
    case Node::Kind::boolean:
      return "a boolean";
    case Node::Kind::time:
      return "a date or time";
    case Node::Kind::array:
      return "a list";
    case Node::Kind::table:
      return "a table";
  }
  return "";
}

bool expect(const Node& node, Node::Kind kind, std::string_view wanted, Problems& problems) {
  if (node.kind == kind) return true;
  problems.add(node, "found " + kind_name(node.kind) + ": write " + std::string(wanted));
  return false;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

}  // namespace

std::string quoted_list(const std::vector<std::string>& words) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? " or " : ", ";
    list += '"' + words[i] + '"';
  }
  return list;
}

bool check_table(const Node& node, std::string_view what, std::initializer_list<const char*> keys, Problems& problems) {
  if (!expect(node, Node::Kind::table, "a table, as " + std::string(what), problems)) return false;
  for (const Entry& entry : node.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    std::string allowed;
    for (const char* key : keys) allowed += (allowed.empty() ? "" : ", ") + std::string(key);
    problems.add(entry.line, entry.column,
                 "unknown key \"" + entry.key + "\" in " + std::string(what) + ": it can have " + allowed);
    return false;
  }
  return true;
}

const std::vector<Node>& tables(const Node& parent, const std::string& key, Problems& problems) {
  static const std::vector<Node> none;
  const Node* found = parent.find(key);
  if (found == nullptr) return none;
  if (!expect(*found, Node::Kind::array, "[[" + key + "]]", problems)) return none;
  return found->items;
}

const Node* require(const Node& table, const char* key, std::string_view what, Problems& problems) {
  const Node* found = table.find(key);
  if (found == nullptr) problems.add(table, std::string(what) + " needs the key \"" + key + "\": add it");
  return found;
}

std::string read_text(const Node& node, Problems& problems) {
  if (!expect(node, Node::Kind::text, "a text in quotes", problems)) return "";
  if (node.text.empty()) problems.add(node, "empty text: write something or remove the key");
  return node.text;
}

bool read_boolean(const Node& node, Problems& problems) {
  return expect(node, Node::Kind::boolean, "true or false", problems) && node.boolean;
}

std::int64_t read_integer(const Node& node, std::int64_t least, std::int64_t most, Problems& problems) {
  const std::string wanted = "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  if (!expect(node, Node::Kind::integer, wanted, problems)) return least;
  if (node.integer >= least && node.integer <= most) return node.integer;
  problems.add(node, std::to_string(node.integer) + " is out of range: write " + wanted);
  return least;
}

std::uint32_t read_id(const Node& node, Problems& problems) {
  return static_cast<std::uint32_t>(read_integer(node, 0, std::int64_t{kNobody} - 1, problems));
}

std::vector<std::string> read_texts(const Node& node, Problems& problems) {
  std::vector<std::string> texts;
  if (!expect(node, Node::Kind::array, "a list of texts, as [\"...\"]", problems)) return texts;
  if (node.items.empty()) problems.add(node, "empty list: write at least one text or remove the key");
  for (const Node& item : node.items) texts.push_back(read_text(item, problems));
  return texts;
}

std::vector<Glob> read_globs(const Node& node, Problems& problems) {
  std::vector<Glob> globs;
  if (!expect(node, Node::Kind::array, "a list of patterns, as [\"/models/**\"]", problems)) return globs;
  if (node.items.empty()) problems.add(node, "empty list matches nothing: write at least one pattern, as /models/**");
  for (const Node& item : node.items) {
    if (!expect(item, Node::Kind::text, "a pattern in quotes", problems)) continue;
    auto glob = Glob::compile(item.text);
    if (auto* wrong = std::get_if<std::string>(&glob)) {
      problems.add(item, *wrong);
    } else {
      globs.push_back(std::get<Glob>(std::move(glob)));
    }
  }
  return globs;
}

std::string read_name(const Node& node, Problems& problems) {
  std::string name = read_text(node, problems);
  if (name.size() > 100) problems.add(node, "name of over 100 bytes: write a shorter one");
  if (has_control_character(name)) problems.add(node, "name with a control character: remove it");
  for (const char* reserved : {"everyone", "owner", "default-deny", "error", "*"}) {
    if (name == reserved) problems.add(node, "\"" + name + "\" has a meaning of its own: choose another name");
  }
  return name;
}

std::size_t read_choice(const Node& node, std::string_view what, const std::vector<std::string>& words,
                        Problems& problems) {
  if (!expect(node, Node::Kind::text, quoted_list(words), problems)) return 0;
  const auto found = std::find(words.begin(), words.end(), node.text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  problems.add(node, "unknown " + std::string(what) + " \"" + node.text + "\": use " + quoted_list(words));
  return 0;
}

std::string read_path(const Node& node, Problems& problems) {
  std::string path = read_text(node, problems);
  if (!normalised(path)) {
    problems.add(node, "not a path: write one from the root of the mount, as /models/m.bin, without '.', '..' or '//'");
  }
  return path;
}

}  // namespace ward::policy

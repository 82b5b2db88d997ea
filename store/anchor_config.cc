// SPDX-License-Identifier: Apache-2.0
#include "store/anchor_config.h"

#include <algorithm>

#include "store/json_text.h"

namespace ward::store {
namespace {

constexpr std::size_t kLongestName = 40;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongestTimeout = 600;            // seconds: an unmount waits for it
constexpr std::int64_t kLongestEvery = 366 * 24 * 3600;  // seconds
constexpr const char* kWhat = "[[anchor]]";

std::string name_of(const policy::Node& node, const std::vector<AnchorCommand>& before, policy::Problems& problems) {
  const auto name = policy::read_text(node, problems);
  const bool good = !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!good) problems.add(node, "an anchor's name is 1 to 40 of a-z, 0-9 and -");
  if (name == "checkpoint" || name == "tmp")
    problems.add(node, "\"" + name + "\" is the name of other files in audit/anchors");
  if (std::ranges::find(before, name, &AnchorCommand::name) != before.end())
    problems.add(node, "there is an anchor \"" + name + "\" already");
  return name;
}

std::vector<std::string> command_of(const policy::Node& node, policy::Problems& problems) {
  auto words = policy::read_texts(node, problems);
  if (!words.empty() && !words.front().starts_with('/'))
    problems.add(node, "a command begins with the absolute path of a program");
  for (const auto& word : words)
    if (word.find('\0') != word.npos) problems.add(node, "a word of a command can't hold NUL");
  return words;
}

std::chrono::seconds seconds_of(const policy::Node& node, std::int64_t most, policy::Problems& problems) {
  const auto length = policy::read_duration(node, problems) / kSecond;
  if (length > most) problems.add(node, "at most " + std::to_string(most) + " seconds");
  return std::chrono::seconds(length);
}

AnchorCommand read_anchor(const policy::Node& table, const std::vector<AnchorCommand>& before,
                          policy::Problems& problems) {
  AnchorCommand anchor;
  policy::check_table(table, kWhat, {"name", "command", "every", "timeout"}, problems);
  if (const auto* name = policy::require(table, "name", kWhat, problems))
    anchor.name = name_of(*name, before, problems);
  if (const auto* command = policy::require(table, "command", kWhat, problems))
    anchor.command = command_of(*command, problems);
  if (const auto* every = table.find("every")) anchor.every = seconds_of(*every, kLongestEvery, problems);
  if (const auto* timeout = table.find("timeout")) anchor.timeout = seconds_of(*timeout, kLongestTimeout, problems);
  return anchor;
}

}  // namespace

std::vector<AnchorCommand> read_anchors(const policy::Node& root, policy::Problems& problems) {
  std::vector<AnchorCommand> anchors;
  for (const auto& table : policy::tables(root, "anchor", problems))
    anchors.push_back(read_anchor(table, anchors, problems));
  return anchors;
}

std::string anchors_toml(const std::vector<AnchorCommand>& anchors) {
  std::string text;
  for (const auto& anchor : anchors) {
    text += "\n[[anchor]]\nname = \"" + anchor.name + "\"\ncommand = [";
    for (const auto& word : anchor.command) {
      if (&word != &anchor.command.front()) text += ", ";
      append_quoted(text, word);
    }
    text += "]\nevery = \"" + std::to_string(anchor.every.count()) + "s\"\ntimeout = \"" +
            std::to_string(anchor.timeout.count()) + "s\"\n";
  }
  return text;
}

}  // namespace ward::store

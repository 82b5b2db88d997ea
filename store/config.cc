// SPDX-License-Identifier: Apache-2.0
#include "store/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include "policy/reader.h"
#include "store/error.h"
#include "store/files.h"
#include "store/json_text.h"

namespace ward::store {
namespace {

using policy::Node;

constexpr const char* kFile = "ward.toml";

[[noreturn]] void refuse(const std::string& name, int line, int column, const std::string& cause) {
  throw Error(Code::config, name + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + cause);
}

const Node& member(const Node& root, const std::string& name, const char* key) {
  const Node* value = root.find(key);
  if (value == nullptr) refuse(name, 1, 1, std::string("the key \"") + key + "\" is missing");
  return *value;
}

std::string text_of(const Node& root, const std::string& name, const char* key) {
  const Node& value = member(root, name, key);
  if (value.kind != Node::Kind::text || value.text.empty())
    refuse(name, value.line, value.column, std::string("\"") + key + "\" must be a text that isn't empty");
  return value.text;
}

void check_format(const Node& root, const std::string& name) {
  const Node& format = member(root, name, "format");
  if (format.kind != Node::Kind::integer) refuse(name, format.line, format.column, "\"format\" must be a number");
  if (format.integer == kStoreFormat) return;
  throw Error(Code::format, name + ": store format " + std::to_string(format.integer) + ": this program reads format " +
                                std::to_string(kStoreFormat) + "; use a " +
                                (format.integer > kStoreFormat ? "newer" : "older") + " ward");
}

void check_keys(const Node& root, const std::string& name) {
  for (const auto& entry : root.entries) {
    bool known = false;
    for (const char* key : {"format", "origin", "vkey", "created", "key", "next_vkey", "next_key", "anchor"})
      known = known || entry.key == key;
    if (!known) refuse(name, entry.line, entry.column, "unknown key \"" + entry.key + "\"");
  }
}

std::string line(const char* key, const std::string& value) {
  std::string out = std::string(key) + " = ";
  append_quoted(out, value);  // JSON's escapes are a part of TOML's
  return out + "\n";
}

}  // namespace

Config parse_config(std::string_view text, const std::string& name) {
  const auto parsed = policy::parse_toml(text);
  if (const auto* error = std::get_if<policy::ParseError>(&parsed))
    refuse(name, error->line, error->column, error->cause);
  const Node& root = std::get<Node>(parsed);
  check_format(root, name);  // first: another format may have other keys
  check_keys(root, name);
  Config config;
  config.origin = text_of(root, name, "origin");
  config.vkey = text_of(root, name, "vkey");
  config.created = text_of(root, name, "created");
  config.key = text_of(root, name, "key");
  if (root.find("next_key") != nullptr || root.find("next_vkey") != nullptr) {
    config.next_vkey = text_of(root, name, "next_vkey");
    config.next_key = text_of(root, name, "next_key");
  }
  policy::Problems problems;
  config.anchors = read_anchors(root, problems);
  if (const auto& first = problems.first()) refuse(name, first->line, first->column, first->cause);
  return config;
}

std::string to_toml(const Config& config) {
  return "# A WardFS store. Keep vkey elsewhere too: with a copy from inside the store an auditor proves nothing.\n"
         "format = " +
         std::to_string(kStoreFormat) + "\n" + line("origin", config.origin) + line("vkey", config.vkey) +
         line("created", config.created) + line("key", config.key) +
         (config.next_key.empty() ? "" : line("next_vkey", config.next_vkey) + line("next_key", config.next_key)) +
         anchors_toml(config.anchors);
}

void check_writers(const std::filesystem::path& store, const std::string& what) {
  for (const auto& path : {store, store / "ward.toml"}) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) throw_errno("stat " + path.string());
    const bool foreign = st.st_uid != 0 && st.st_uid != ::geteuid();
    if (foreign || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      throw Error(Code::config, path.string() + ": others than the user who mounts can write here, so " + what +
                                    ": chown and chmod it, or take what isn't wanted out of ward.toml");
  }
}

bool half_made(const std::filesystem::path& store) {
  std::error_code ignored;
  if (std::filesystem::exists(store / kFile, ignored)) return false;
  for (const char* part : {"keys", "history.git", "audit", "drafts", "catalog.db"})
    if (std::filesystem::exists(store / part, ignored)) return true;
  return false;
}

Config load_config(const std::filesystem::path& store) {
  const auto file = store / kFile;
  std::error_code error;
  if (std::filesystem::exists(file, error)) return parse_config(read_file(file), file.string());
  if (error && error.value() != ENOTDIR) throw_errno("read " + file.string(), error.value());
  if (half_made(store))
    throw Error(Code::config, store.string() +
                                  ": a half-made store, whose `ward init` was interrupted: nothing was saved in it yet;"
                                  " delete the folder and run `ward init` again");
  throw Error(Code::config, store.string() + ": not a store (it has no ward.toml); `ward init` makes one");
}

void save_config(const std::filesystem::path& store, const Config& config) {
  write_durably(store / kFile, to_toml(config));
}

}  // namespace ward::store

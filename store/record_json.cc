// SPDX-License-Identifier: Apache-2.0
// The envelope of a record, written and read. The payload's fields are the two visitors' work (record_write.h,
// record_read.h). Written by hand, because a record is made for every open; read through nlohmann::json, because
// reading happens at replay and for reports.
#include "store/record_json.h"

#include <algorithm>

#include "store/record_read.h"
#include "store/record_write.h"

namespace ward::store {
namespace {

constexpr std::pair<Kind, const char*> kKinds[] = {{Kind::file, "file"},
                                                   {Kind::folder, "folder"},
                                                   {Kind::symlink, "symlink"},
                                                   {Kind::fifo, "fifo"},
                                                   {Kind::socket, "socket"},
                                                   {Kind::char_device, "char-device"},
                                                   {Kind::block_device, "block-device"}};

void write_user(RecordWriter w, const User& user) {
  w("id", user.id), w("name", user.name), w("group", user.group);
  w("login", user.login), w("login_name", user.login_name);
}

void write_process(RecordWriter w, const Process& process) {
  w("pid", process.pid), w("entity_id", process.entity_id);
  w.path("executable", process.executable);
}

/// A refusal, or an action of the daemon's own that can fail and says so.
bool failed(const Payload& payload) {
  return std::visit(
      [](const auto& p) {
        if constexpr (requires { p.failed(); }) {
          return p.failed();
        } else {
          return std::is_same_v<std::remove_cvref_t<decltype(p)>, Refusal>;
        }
      },
      payload);
}

void write_event(RecordWriter w, const Record& r) {
  w("sequence", r.sequence), w.name("action", action_of(r.payload));
  w.name("outcome", failed(r.payload) ? "failure" : "success"), w.name_opt("reason", r.reason);
}

void write_ward(RecordWriter w, const Record& r) {
  // `fields` is one template for reading and writing, hence not const; the writer changes nothing.
  std::visit([&](const auto& p) { const_cast<std::remove_cvref_t<decltype(p)>&>(p).fields(w); }, r.payload);
  if (r.policy != 0) w("policy", r.policy), w("rule", r.rule);
  w.salt("salt", r.salt);
}

template <std::size_t i = 0>
std::optional<Payload> payload_for(std::string_view action) {
  if constexpr (i < std::variant_size_v<Payloads>) {
    using P = std::variant_alternative_t<i, Payloads>;
    if constexpr (requires { P::action; }) {
      if (action == P::action) return P{};
    }
    return payload_for<i + 1>(action);
  } else {
    return std::nullopt;
  }
}

Payload start_payload(RecordReader& event) {
  std::string action, outcome;
  event("action", action);
  event("outcome", outcome);
  if (outcome == "failure" && action != Anchor::action) {
    Refusal refusal;
    refusal.action_name = action;
    return refusal;
  }
  if (outcome != "success" && outcome != "failure")
    throw Error(Code::corrupt, "expected success or failure at event.outcome");
  auto payload = payload_for(action);
  if (!payload) throw Error(Code::format, "unknown action \"" + action + "\": written by a newer version?");
  return *payload;
}

Record read_record(const nlohmann::json& line, std::string& host) {
  Record r;
  RecordReader top(line, "record");
  top.time("@timestamp", r.time);
  RecordReader event = top.object("event");
  event("sequence", r.sequence);
  r.payload = start_payload(event);
  event.opt("reason", r.reason);
  top.object("host")("name", host);
  RecordReader user = top.object("user");
  user("id", r.user.id), user("name", r.user.name), user("group", r.user.group);
  user("login", r.user.login), user("login_name", r.user.login_name);
  if (top.has("process")) {
    RecordReader process = top.object("process");
    process("pid", r.process.pid), process("entity_id", r.process.entity_id);
    process.path("executable", r.process.executable);
  }
  if (top.has("file")) top.object("file").path("path", r.path);
  RecordReader ward = top.object("ward");
  std::visit([&](auto& p) { p.fields(ward); }, r.payload);
  ward.opt("policy", r.policy), ward.opt("rule", r.rule);
  ward.salt("salt", r.salt);
  return r;
}

}  // namespace

const char* kind_name(Kind kind) {
  return std::ranges::find(kKinds, kind, &std::pair<Kind, const char*>::first)->second;
}

std::optional<Kind> kind_of(std::string_view name) {
  for (const auto& [kind, text] : kKinds) {
    if (name == text) return kind;
  }
  return std::nullopt;
}

std::string action_of(const Payload& payload) {
  return std::visit(
      [](const auto& p) -> std::string {
        if constexpr (requires { p.action_name; }) {
          return p.action_name;
        } else {
          return p.action;
        }
      },
      payload);
}

std::string to_line(const Record& r, std::string_view host) {
  std::string out;
  out.reserve(1024);
  {
    RecordWriter top(out);
    top.time("@timestamp", r.time, 6);
    write_event(top.object("event"), r);
    top.object("host").name("name", host);
    write_user(top.object("user"), r.user);
    if (r.process.pid != 0) write_process(top.object("process"), r.process);
    if (!r.path.empty()) top.object("file").path("path", r.path);
    write_ward(top.object("ward"), r);
  }
  if (out.size() > kMaxLine) {
    throw Error(Code::corrupt, "record " + std::to_string(r.sequence) + " (" + action_of(r.payload) + ") is " +
                                   std::to_string(out.size()) + " bytes long, at most 65,535 are possible");
  }
  return out;
}

Record parse_line(std::string_view line) {
  if (line.size() > kMaxLine) throw Error(Code::corrupt, "a record has at most 65,535 bytes");
  std::string host;
  Record record;
  try {
    record = read_record(nlohmann::json::parse(line), host);
  } catch (const nlohmann::json::exception& e) {
    throw Error(Code::corrupt, std::string("not a record: ") + e.what());
  }
  // Our writer has one spelling for each record. This finds unknown, doubled and reordered keys, numbers out of range
  // and anything else that a reader might take otherwise than we do.
  if (to_line(record, host) != line) throw Error(Code::corrupt, "not a record in canonical form");
  return record;
}

}  // namespace ward::store

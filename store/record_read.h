// SPDX-License-Identifier: Apache-2.0
// The reading visitor of record payloads: fills their fields from a parsed JSON object. Private to record_json.cc.
// Throws Error{corrupt} naming the key. It doesn't look for unknown keys or other spellings: parse_line compares the
// line with what the writer makes of the result.
#pragma once
#include <charconv>
#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "store/crypto.h"
#include "store/error.h"
#include "store/json_text.h"
#include "store/record.h"

namespace ward::store {

std::optional<Kind> kind_of(std::string_view name);

class RecordReader {
 public:
  using Json = nlohmann::json;
  /// `where` names the object in messages.
  RecordReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) fail("", "an object");
  }

  template <class T>
  void operator()(const char* key, T& x) {
    if constexpr (std::same_as<T, std::string>) {
      name(key, x);
    } else if constexpr (std::same_as<T, std::vector<std::string>>) {
      strings(key, x);
    } else {
      value(key, need(key), x);
    }
  }

  template <class T>
  void opt(const char* key, T& x) {
    opt(key, x, T{});
  }
  template <class T>
  void opt(const char* key, T& x, const T& otherwise) {
    if (has(key)) {
      (*this)(key, x);
    } else {
      x = otherwise;
    }
  }
  template <class T>
  void opt(const char* key, std::optional<T>& x) {
    if (has(key)) (*this)(key, x.emplace());
  }

  void name(const char* key, std::string& x) {
    x = text(key, need(key));
    const auto raw = object_.find(std::string(key) + "_b64");
    if (raw != object_.end()) x = from_base64(text(key, *raw));
  }
  void name_opt(const char* key, std::string& x) {
    if (has(key)) name(key, x);
  }
  void paths_opt(const char* key, std::vector<std::string>& x) {
    if (has(key)) strings(key, x);
  }
  void place(const char* key, Place& x) {
    RecordReader r(need(key), key);
    r("dir", x.dir);
    r.name("name", x.name);
  }
  void time(const char* key, Nanos& x) {
    const auto parsed = parse_time(text(key, need(key)));
    if (!parsed) fail(key, "a time");
    x = *parsed;
  }
  void time_opt(const char* key, Nanos& x) {
    if (has(key)) time(key, x);
  }
  void time_opt(const char* key, std::optional<Nanos>& x) {
    if (has(key)) time(key, x.emplace());
  }

  // The envelope's own needs.
  void path(const char* key, std::string& x) {
    name(key, x);
    std::string whole;
    opt((std::string(key) + "_sha256").c_str(), whole);
    if (!whole.empty()) (x += '\0') += whole;
  }
  void salt(const char* key, std::uint64_t& x) {
    const std::string& digits = text(key, need(key));
    const auto end = digits.data() + digits.size();
    if (digits.size() != 16 || std::from_chars(digits.data(), end, x, 16).ptr != end) fail(key, "16 hex digits");
  }
  RecordReader object(const char* key) const { return RecordReader(need(key), key); }
  bool has(const char* key) const { return object_.contains(key); }
  const Json& need(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) fail(key, "a value");
    return *found;
  }

 private:
  [[noreturn]] void fail(const std::string& key, const char* expected) const {
    throw Error(Code::corrupt, "expected " + std::string(expected) + " at " + where_ + (key.empty() ? "" : "." + key));
  }
  const std::string& text(const char* key, const Json& j) const {
    if (!j.is_string()) fail(key, "a string");
    return j.get_ref<const std::string&>();
  }
  void strings(const char* key, std::vector<std::string>& x) {
    const auto raw = object_.find(std::string(key) + "_b64");
    const Json& list = raw == object_.end() ? need(key) : *raw;
    if (!list.is_array()) fail(key, "a list");
    for (const auto& item : list) x.push_back(raw == object_.end() ? text(key, item) : from_base64(text(key, item)));
  }

  void value(const char* key, const Json& j, bool& x) {
    if (!j.is_boolean()) fail(key, "true or false");
    x = j.get<bool>();
  }
  void value(const char* key, const Json& j, Kind& x) {
    const auto kind = kind_of(text(key, j));
    if (!kind) fail(key, "a kind of file");
    x = *kind;
  }
  void value(const char* key, const Json& j, std::int32_t& x) {
    if (!j.is_number_integer()) fail(key, "a number");
    x = static_cast<std::int32_t>(j.get<std::int64_t>());  // out of range: caught when written again
  }
  void value(const char* key, const Json& j, Range& x) {
    if (!j.is_array() || j.size() != 2) fail(key, "[offset,length]");
    value(key, j[0], x.offset);
    value(key, j[1], x.length);
  }
  template <std::unsigned_integral T>
  void value(const char* key, const Json& j, T& x) {
    if (j.is_string()) {  // from 2^53 on
      const std::string& digits = j.get_ref<const std::string&>();
      if (std::from_chars(digits.data(), digits.data() + digits.size(), x).ec != std::errc()) fail(key, "a number");
    } else if (j.is_number_unsigned()) {
      x = static_cast<T>(j.get<std::uint64_t>());  // out of range: caught when written again
    } else {
      fail(key, "a number");
    }
  }
  template <class T>
  void value(const char* key, const Json& j, std::vector<T>& x) {
    if (!j.is_array()) fail(key, "a list");
    for (const auto& item : j) value(key, item, x.emplace_back());
  }
  template <class T>
  requires requires(T& x, RecordReader& r) { x.fields(r); }
  void value(const char* key, const Json& j, T& x) {
    RecordReader r(j, key);
    x.fields(r);
  }

  const Json& object_;
  std::string where_;
};

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The writing visitor of record payloads: appends their fields as JSON members. Private to record_json.cc.
#pragma once
#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/crypto.h"
#include "store/json_text.h"
#include "store/record.h"

namespace ward::store {

inline constexpr std::size_t kMaxPathText = 4096;  // written bytes of a descriptive path

const char* kind_name(Kind kind);

/// One per JSON object: opens it when made, closes it when destroyed. Appends only.
class RecordWriter {
 public:
  explicit RecordWriter(std::string& out) : out_(out) { out_ += '{'; }
  ~RecordWriter() { out_ += '}'; }
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  template <class T>
  void operator()(std::string_view key, T& x) {
    if constexpr (std::same_as<std::remove_const_t<T>, std::string>) {
      name(key, x);
    } else if constexpr (std::same_as<std::remove_const_t<T>, std::vector<std::string>>) {
      strings(key, x);
    } else {
      start(key);
      value(x);
    }
  }

  template <class T>
  void opt(std::string_view key, T& x) {
    opt(key, x, T{});
  }
  template <class T>
  void opt(std::string_view key, T& x, const T& otherwise) {
    if (!(x == otherwise)) (*this)(key, x);
  }
  template <class T>
  void opt(std::string_view key, std::optional<T>& x) {
    if (x) (*this)(key, *x);
  }

  /// Every string may hold raw bytes; one that isn't UTF-8 is followed by `key_b64`, which is authoritative.
  void name(std::string_view key, std::string_view x) {
    start(key);
    append_quoted(out_, x);
    if (!is_utf8(x)) b64(key, x);
  }
  void name_opt(std::string_view key, std::string_view x) {
    if (!x.empty()) name(key, x);
  }
  void paths_opt(std::string_view key, const std::vector<std::string>& x) {
    if (!x.empty()) strings(key, x);
  }
  void place(std::string_view key, const Place& x) {
    start(key);
    RecordWriter w(out_);
    w("dir", x.dir);
    w.name("name", x.name);
  }
  void time(std::string_view key, Nanos x, int decimals = 9) {
    start(key);
    out_ += '"';
    append_time(out_, x, decimals);
    out_ += '"';
  }
  void time_opt(std::string_view key, Nanos x) {
    if (x != 0) time(key, x);
  }
  void time_opt(std::string_view key, const std::optional<Nanos>& x) {
    if (x) time(key, *x);
  }

  // The envelope's own needs.
  RecordWriter object(std::string_view key) {
    start(key);
    return RecordWriter(out_);
  }
  /// A descriptive path, cut to kMaxPathText with the sha256 of the whole. Such a path reads back as what is left of
  /// it, NUL and the hash: no other path holds a NUL, so that it is written again as it was.
  void path(std::string_view key, std::string_view path) {
    std::string whole;
    if (const auto nul = path.find('\0'); nul != path.npos) {
      whole = path.substr(nul + 1);
      path = path.substr(0, nul);
    }
    start(key);
    out_ += '"';
    const auto used = append_escaped(out_, path, kMaxPathText);
    out_ += '"';
    if (used < path.size()) {
      whole = hex(sha256(path));
      path = path.substr(0, used);
    }
    if (!is_utf8(path)) b64(key, path);
    if (whole.empty()) return;
    start(key, "_sha256");
    append_quoted(out_, whole);
  }
  void salt(std::string_view key, std::uint64_t x) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(x >> (56 - 8 * i));
    start(key);
    append_quoted(out_, hex(bytes));
  }

 private:
  void start(std::string_view key, std::string_view suffix = {}) {  // grows once: this is half of what a record costs
    const bool first = out_.back() == '{';
    const auto at = out_.size();
    out_.resize(at + key.size() + suffix.size() + (first ? 3 : 4));
    char* to = out_.data() + at;
    if (!first) *to++ = ',';
    *to++ = '"';
    to = std::copy(key.begin(), key.end(), to);
    to = std::copy(suffix.begin(), suffix.end(), to);
    *to++ = '"';
    *to = ':';
  }
  void b64(std::string_view key, std::string_view x) {
    start(key, "_b64");
    ((out_ += '"') += base64(x)) += '"';
  }
  void strings(std::string_view key, const std::vector<std::string>& x) {
    start(key);
    list(x, [&](const std::string& s) { append_quoted(out_, s); });
    bool all_utf8 = true;
    for (const auto& s : x) all_utf8 = all_utf8 && is_utf8(s);
    if (all_utf8) return;
    start(key, "_b64");
    list(x, [&](const std::string& s) { ((out_ += '"') += base64(s)) += '"'; });
  }
  template <class T>
  void list(T& items, const auto& write) {
    out_ += '[';
    bool first = true;
    for (auto& item : items) {
      if (!first) out_ += ',';
      first = false;
      write(item);
    }
    out_ += ']';
  }

  void value(bool x) { out_ += x ? "true" : "false"; }
  void value(Kind x) { ((out_ += '"') += kind_name(x)) += '"'; }
  void value(std::int32_t x) { append_signed(out_, x); }
  void value(const Range& x) {
    out_ += '[';
    append_number(out_, x.offset);
    out_ += ',';
    append_number(out_, x.length);
    out_ += ']';
  }
  template <std::unsigned_integral T>
  void value(T x) {
    append_number(out_, x);
  }
  template <class T>
  void value(std::vector<T>& x) {
    list(x, [&](T& item) { value(item); });
  }
  template <class T>
  requires requires(T& x, RecordWriter& w) { x.fields(w); }
  void value(T& x) {
    RecordWriter w(out_);
    x.fields(w);
  }

  std::string& out_;
};

}  // namespace ward::store

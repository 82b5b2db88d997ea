// SPDX-License-Identifier: Apache-2.0
// Reads a canonical dump back: lines of `table column=value …`, as catalog_dump.cc writes them.
#include <charconv>
#include <map>

#include "store/catalog_impl.h"
#include "store/error.h"

namespace ward::store {
namespace {

constexpr std::size_t kFlushEvery = 100'000;  // rows: bounds the memory of the long transaction

[[noreturn]] void malformed(std::string_view line) {
  throw Error(Code::corrupt, "not a line of a catalog: " + std::string(line.substr(0, 200)));
}

/// Goes through one line.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line), rest_(line) {}
  bool at_end() const { return rest_ == "\n"; }

  std::string word() {
    const auto end = std::min(rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), rest_.size());
    if (end == 0) malformed(line_);
    const std::string word(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return word;
  }
  void skip(char c) {
    if (rest_.empty() || rest_[0] != c) malformed(line_);
    rest_.remove_prefix(1);
  }
  Value value() {
    if (rest_.starts_with("x'")) return blob();
    if (rest_.starts_with('"')) return text();
    std::int64_t number = 0;
    const auto end = rest_.data() + rest_.size();
    const auto parsed = std::from_chars(rest_.data(), end, number);
    if (parsed.ec == std::errc()) {
      rest_.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest_.data()));
      return number;
    }
    skip('-');
    return Null{};
  }

 private:
  char byte() {
    unsigned value = 0;
    const auto parsed = std::from_chars(rest_.data(), rest_.data() + std::min<std::size_t>(2, rest_.size()), value, 16);
    if (parsed.ec != std::errc() || parsed.ptr != rest_.data() + 2) malformed(line_);
    rest_.remove_prefix(2);
    return static_cast<char>(value);
  }
  Value blob() {
    rest_.remove_prefix(2);
    BlobValue blob;
    while (!rest_.starts_with('\'')) blob.bytes += byte();
    skip('\'');
    return blob;
  }
  Value text() {
    skip('"');
    std::string text;
    while (!rest_.starts_with('"')) {
      if (rest_.size() < 2) malformed(line_);
      if (rest_[0] != '\\') {
        text += rest_[0];
        rest_.remove_prefix(1);
      } else if (rest_[1] == 'x') {
        rest_.remove_prefix(2);
        text += byte();
      } else {
        text += rest_[1];
        rest_.remove_prefix(2);
      }
    }
    skip('"');
    return text;
  }

  const std::string_view line_;
  std::string_view rest_;
};

/// Puts rows back, with one prepared statement for each table.
class RowWriter {
 public:
  explicit RowWriter(Database& db) : db_(db) {}
  void write(std::string_view line) {
    LineReader reader(line);
    const auto table = reader.word();
    std::string columns, marks;
    values_.clear();
    while (!reader.at_end()) {
      reader.skip(' ');
      columns += (columns.empty() ? "\"" : ", \"") + reader.word() + '"';
      marks += marks.empty() ? "?" : ", ?";
      reader.skip('=');
      values_.push_back(reader.value());
    }
    const auto sql = "INSERT OR REPLACE INTO \"" + table + "\"(" + columns + ") VALUES(" + marks + ")";
    auto known = statements_.find(sql);
    if (known == statements_.end()) {
      if (statements_.size() >= kTables) malformed(line);
      known = statements_.emplace(sql, db_.prepare(sql)).first;
    }
    known->second.run_values(values_);
  }

 private:
  static constexpr std::size_t kTables = 14;
  Database& db_;
  std::map<std::string, Statement> statements_;
  std::vector<Value> values_;
};

}  // namespace

void Catalog::restore(const std::function<std::string_view()>& next_line) {
  auto& impl = *impl_;
  if (impl.state.applied != 0) throw Error(Code::usage, "only an empty catalog takes over a snapshot");
  try {
    RowWriter writer(impl.db);
    std::string state;  // last: with it the rows count
    std::size_t rows = 0;
    for (auto line = next_line(); !line.empty(); line = next_line()) {
      if (line.starts_with("state ")) {
        state = line;
        continue;
      }
      writer.write(line);
      if (++rows % kFlushEvery == 0) impl.db.exec("COMMIT; BEGIN");
    }
    writer.write(state);
  } catch (const Error& error) {
    impl.roll_back();
    if (error.code() != Code::io) throw;
    throw Error(Code::corrupt, std::string("the snapshot can't be read back: ") + error.what());
  }
  impl.db.exec("COMMIT");
  impl.db.exec("BEGIN");
  impl.recent.clear();
  impl.load_state();
}

}  // namespace ward::store

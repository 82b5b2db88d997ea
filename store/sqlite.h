// SPDX-License-Identifier: Apache-2.0
// The one door to SQLite: a database, and statements that are prepared once and used by position. Failures throw
// Error: a full disk is no_space, damage and broken constraints are corrupt, a second opener is busy, the rest is io.
// Not thread-safe: one lock of the caller guards a Database and everything that came from it.
#pragma once
#include <cassert>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

struct sqlite3;
struct sqlite3_stmt;

namespace ward::store {

/// Raw bytes, bound as BLOB; a plain string_view is bound as TEXT.
struct Blob {
  std::string_view bytes;
};
/// 64 hex digits, bound as a BLOB of 32 bytes; "" is bound as NULL.
struct HexBlob {
  std::string_view digits;
};
/// Reads such a BLOB back into 64 hex digits; NULL into "".
struct HexInto {
  std::string& digits;
};

/// A value as a column holds it.
struct Null {
  bool operator==(const Null&) const = default;
};
struct BlobValue {
  std::string bytes;
};
using Value = std::variant<Null, std::int64_t, std::string, BlobValue>;

/// The rows of a running query. The statement is reset when this goes, so keep it no longer than needed.
class Rows {
 public:
  explicit Rows(sqlite3_stmt* statement) : statement_(statement) {}
  Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Rows& operator=(Rows&&) = delete;
  ~Rows();

  /// Moves to the next row; false after the last.
  bool next();
  /// Columns of the row. NULL reads as 0 or "". Column numbers start at 0.
  std::int64_t integer(int column) const;
  std::string_view view(int column) const;  // TEXT or BLOB; valid until next()
  bool null(int column) const;
  bool text(int column) const;    // holds TEXT
  bool number(int column) const;  // holds an INTEGER
  int width() const;              // columns
  std::string_view name(int column) const;
  /// Reads columns 0, 1, 2 … into `out`: integers, enums, bools, strings, HexInto.
  template <class... T>
  void into(T&&... out) const {
    int column = 0;
    (read(column++, out), ...);
  }

 private:
  template <class T>
  requires std::integral<T> || std::is_enum_v<T>
  void read(int column, T& out) const { out = static_cast<T>(integer(column)); }
  void read(int column, std::string& out) const { out = view(column); }
  void read(int column, const HexInto& out) const;

  sqlite3_stmt* statement_;
};

/// A prepared statement. Parameters are bound in order: integers, enums, bools, string_view, Blob, HexBlob.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql);
  /// Runs a statement that returns no rows.
  template <class... T>
  void run(const T&... values) {
    Rows rows(begin());
    bind_all(values...);
    rows.next();
  }
  /// The same with values whose number and kinds aren't known before.
  void run_values(std::span<const Value> values);
  /// The values are copied, so temporaries are fine.
  template <class... T>
  Rows query(const T&... values) {
    Rows rows(begin());
    bind_all(values...);
    return rows;
  }

 private:
  sqlite3_stmt* begin();
  template <class... T>
  void bind_all(const T&... values) {
    int position = 0;
    (bind(++position, values), ...);
  }
  template <class T>
  requires std::integral<T> || std::is_enum_v<T>
  void bind(int position, T value) { bind_integer(position, static_cast<std::int64_t>(value)); }
  void bind_integer(int position, std::int64_t value);
  void bind(int position, std::string_view text);
  void bind(int position, Blob blob);
  void bind(int position, HexBlob hex);
  void check(int result) const;

  struct Finalise {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalise> statement_;
};

class Database {
 public:
  /// Opens or makes the file.
  explicit Database(const std::filesystem::path& file);
  /// One or more statements without parameters; rows are ignored.
  void exec(const char* sql);
  /// Prepares `sql`, which has to be a string literal, at its first use and keeps it.
  template <std::size_t N, class... T>
  void run(const char (&sql)[N], const T&... values) {
    statement(sql).run(values...);
  }
  template <std::size_t N, class... T>
  Rows query(const char (&sql)[N], const T&... values) {
    return statement(sql).query(values...);
  }
  /// A statement that isn't kept, for SQL that is made at run time.
  Statement prepare(const std::string& sql) { return Statement(database_.get(), sql.c_str()); }
  std::int64_t changes() const;  // rows that the last run() changed
  /// False also when SQLite rolled back by itself after a failure.
  bool in_transaction() const;

 private:
  Statement& statement(const char* sql);

  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
  std::unordered_map<const char*, Statement> statements_;  // after database_: finalised before it closes
};

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite.h"

#include <sqlite3.h>

#include <cerrno>

#include "store/crypto.h"
#include "store/error.h"

namespace ward::store {
namespace {

Code code_of(sqlite3* database, int result) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return Code::no_space;
    case SQLITE_READONLY:  // we open for writing: a header that says that only a later SQLite may write
      return result == SQLITE_READONLY ? Code::corrupt : Code::io;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:       // our statements are right, so the file isn't what this program made
    case SQLITE_CONSTRAINT:  // a record contradicts what the database holds
      return Code::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::busy;
    default: {
      const int err = sqlite3_system_errno(database);
      return (result & 0xff) == SQLITE_IOERR && (err == EDQUOT || err == ENOSPC) ? Code::no_space : Code::io;
    }
  }
}

[[noreturn]] void fail(sqlite3* database, int result, const std::string& what) {
  const char* file = sqlite3_db_filename(database, "main");
  throw Error(code_of(database, result),
              std::string(file != nullptr ? file : "SQLite") + ": " + what + ": " + sqlite3_errmsg(database));
}

}  // namespace

Rows::~Rows() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

bool Rows::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  fail(sqlite3_db_handle(statement_), result, sqlite3_sql(statement_));
}

std::int64_t Rows::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Rows::view(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Rows::null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
bool Rows::text(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_TEXT;
}
bool Rows::number(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_INTEGER;
}
int Rows::width() const {
  return sqlite3_column_count(statement_);
}
std::string_view Rows::name(int column) const {
  return sqlite3_column_name(statement_, column);
}

void Rows::read(int column, const HexInto& out) const {
  const auto bytes = view(column);
  out.digits = hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

void Statement::Finalise::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement::Statement(sqlite3* database, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int result = sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (result != SQLITE_OK) fail(database, result, sql);
  statement_.reset(raw);
}

sqlite3_stmt* Statement::begin() {
  assert(sqlite3_stmt_busy(statement_.get()) == 0 && "the rows of an earlier use are still being read");
  return statement_.get();
}

void Statement::check(int result) const {
  if (result != SQLITE_OK) fail(sqlite3_db_handle(statement_.get()), result, sqlite3_sql(statement_.get()));
}

void Statement::bind_integer(int position, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), position, value));
}

void Statement::bind(int position, std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), position, text.data() != nullptr ? text.data() : "", text.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int position, Blob blob) {
  const auto* data = blob.bytes.data() != nullptr ? blob.bytes.data() : "";  // a null pointer would bind NULL
  check(sqlite3_bind_blob64(statement_.get(), position, data, blob.bytes.size(), SQLITE_TRANSIENT));
}

void Statement::bind(int position, HexBlob hex) {
  if (hex.digits.empty()) return check(sqlite3_bind_null(statement_.get(), position));
  const Hash hash = hash_from_hex(hex.digits);
  check(sqlite3_bind_blob64(statement_.get(), position, hash.data(), hash.size(), SQLITE_TRANSIENT));
}

void Statement::run_values(std::span<const Value> values) {
  Rows rows(begin());
  int position = 0;
  for (const Value& value : values) {
    ++position;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      bind(position, *number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      bind(position, std::string_view(*text));
    } else if (const auto* blob = std::get_if<BlobValue>(&value)) {
      bind(position, Blob{blob->bytes});
    } else {
      check(sqlite3_bind_null(statement_.get(), position));
    }
  }
  rows.next();
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Database::Database(const std::filesystem::path& file) {
  sqlite3* raw = nullptr;
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  database_.reset(raw);  // also after a failure there may be a handle to close
  if (raw == nullptr) throw Error(Code::io, "open " + file.string() + ": out of memory");
  if (result != SQLITE_OK) throw Error(code_of(raw, result), "open " + file.string() + ": " + sqlite3_errmsg(raw));
}

void Database::exec(const char* sql) {
  const int result = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(database_.get(), result, sql);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(database_.get());
}
bool Database::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

Statement& Database::statement(const char* sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second;
  return statements_.emplace(sql, Statement(database_.get(), sql)).first->second;
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The formats that records are printed in.
#pragma once
#include <memory>
#include <string>
#include <vector>

namespace ward::tools {

class RecordPrinter {
 public:
  virtual ~RecordPrinter() = default;
  /// Prints the headings, if the format has some: also when no record follows.
  virtual void begin() {}
  /// Prints one record (a line of the log, without '\n') to standard output.
  virtual void print(const std::string& line) = 0;
};

/// table, jsonl, csv, ocsf; null for any other name.
std::unique_ptr<RecordPrinter> make_printer(const std::string& format);

/// RFC 4180: quoted where it must be. Control characters are escaped as in JSON; a value that a spreadsheet would take
/// for a formula gets an apostrophe before it.
std::string csv_row(const std::vector<std::string>& values);

}  // namespace ward::tools

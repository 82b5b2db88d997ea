// SPDX-License-Identifier: Apache-2.0
#include "tools/log_print.h"

#include <iostream>

#include "store/json_text.h"
#include "store/log_table.h"
#include "tools/log_table.h"
#include "tools/ocsf.h"

namespace ward::tools {
namespace {

class Table : public RecordPrinter {
 public:
  void begin() override { std::cout << log_header() << '\n'; }
  void print(const std::string& line) override { std::cout << log_line(line) << '\n'; }
};

class Lines : public RecordPrinter {
 public:
  void print(const std::string& line) override { std::cout << line << '\n'; }
};

class Csv : public RecordPrinter {
 public:
  void begin() override { std::cout << csv_row(store::table_columns()); }
  void print(const std::string& line) override { std::cout << csv_row(store::table_values(line)); }
};

class Ocsf : public RecordPrinter {
 public:
  void print(const std::string& line) override { std::cout << ocsf_event(line) << '\n'; }
};

}  // namespace

std::string csv_row(const std::vector<std::string>& values) {
  std::string row;
  for (const auto& value : values) {
    auto text = store::harmless(value);
    if (!text.empty() && std::string_view("=+-@").find(text[0]) != std::string_view::npos) text.insert(0, 1, '\'');
    if (text.find_first_of("\",") != text.npos) {
      std::string quoted = "\"";
      for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
      text = quoted + '"';
    }
    row += text + ',';
  }
  if (row.empty()) row = ",";
  row.back() = '\r';
  return row + '\n';
}

std::unique_ptr<RecordPrinter> make_printer(const std::string& format) {
  if (format == "table") return std::make_unique<Table>();
  if (format == "jsonl") return std::make_unique<Lines>();
  if (format == "csv") return std::make_unique<Csv>();
  if (format == "ocsf") return std::make_unique<Ocsf>();
  return nullptr;
}

}  // namespace ward::tools

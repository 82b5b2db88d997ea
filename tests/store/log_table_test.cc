// SPDX-License-Identifier: Apache-2.0
// Goal: a record is one row of as many columns as the head says, whatever bytes are in it.
// Method: a record with everything, one with nothing, and one by somebody who would like to forge a row.
#include "store/log_table.h"

#include <algorithm>

#include "tests/catch.h"

using namespace ward::store;

namespace {
std::ptrdiff_t tabs(const std::string& row) {
  return std::count(row.begin(), row.end(), '\t');
}
}  // namespace

TEST_CASE("a record is a row", "[table]") {
  const auto row = table_row(
      R"({"@timestamp":"2026-11-23T10:04:05.123456Z","event":{"sequence":12,"action":"read","outcome":"success"},)"
      R"("user":{"id":1000,"name":"alice","login_name":"bob"},"process":{"executable":"/usr/bin/cat"},)"
      R"("file":{"path":"/m.bin"},"ward":{"version":3,"bytes":77,"sha256":"ab","rule":"r"}})");
  CHECK(row == "2026-11-23T10:04:05.123456Z\t12\talice\tbob\tread\tsuccess\t/m.bin\t3\t77\tab\t/usr/bin/cat\tr\t\n");
  CHECK(table_head() ==
        "time\tsequence\tuser\tlogin\taction\toutcome\tpath\tversion\tbytes\tsha256\tprocess\trule\treason\n");
}

TEST_CASE("what a record doesn't say is an empty column", "[table]") {
  CHECK(tabs(table_row("{}")) == tabs(table_head()));
  CHECK(table_values(R"({"user":{"id":7,"name":""},"ward":{"size":9}})")[2] == "7");
  CHECK(table_values(R"({"ward":{"size":9}})")[8] == "9");
  CHECK(table_values(R"({"user":{"login":7,"login_name":""}})")[3] == "7");  // an account that was deleted since
  CHECK(table_values(R"({"user":{"login":4294967295,"login_name":""}})")[3].empty());
}

TEST_CASE("nobody can forge a column or a row", "[table]") {
  const auto row = table_row(R"({"file":{"path":"/a\tb\nc\u202ed"},"event":{"reason":"\u001b[2J"}})");
  CHECK(tabs(row) == tabs(table_head()));
  CHECK(std::count(row.begin(), row.end(), '\n') == 1);
  CHECK(row.find('\x1b') == row.npos);
  CHECK(table_row("no json\n\t") == "no json\\u000a\\u0009\n");
}

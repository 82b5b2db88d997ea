// SPDX-License-Identifier: Apache-2.0
// Goal: rows that are remembered are the newest ones, those in use stay, and memory has a bound.
// Method: a store of two rows per generation, compared step by step with what it must still know.
#include "store/recent_rows.h"

#include "tests/catch.h"

using ward::store::RecentRows;

TEST_CASE("what is used stays, what isn't goes") {
  RecentRows<int, int> rows(2);
  for (int i = 1; i <= 2; ++i) rows.put(i, 10 * i);
  REQUIRE(rows.find(1) != nullptr);
  rows.put(3, 30);             // 1 and 2 are the old generation now
  CHECK(*rows.find(1) == 10);  // used: back in the young one
  rows.put(4, 40);             // 2 goes
  CHECK(rows.find(2) == nullptr);
  for (int i : {1, 3, 4}) CHECK(*rows.find(i) == 10 * i);
}

TEST_CASE("a row has one value, wherever it is kept") {
  RecentRows<int, int> rows(2);
  for (int i = 1; i <= 3; ++i) rows.put(i, i);  // 1 and 2 are old
  rows.put(1, 100);
  CHECK(*rows.find(1) == 100);
  ++*rows.find(2);
  CHECK(*rows.find(2) == 3);
  rows.erase(2);
  rows.erase(3);
  CHECK(rows.find(2) == nullptr);
  CHECK(rows.find(3) == nullptr);
  rows.clear();
  CHECK(rows.find(1) == nullptr);
}

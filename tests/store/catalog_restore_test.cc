// SPDX-License-Identifier: Apache-2.0
// Goal: what isn't a dump is refused, and leaves the catalog empty. Method: lines that dump() can't have made, values
// of every kind there and back. That whole catalogs come back is in catalog_random_test.cc.
#include "store/error.h"
#include "tests/catch.h"
#include "tests/store/catalog_story.h"

using namespace ward::tests;

namespace {

void restore(Catalog& catalog, std::vector<std::string> lines) {
  lines.emplace_back();
  std::size_t next = 0;
  catalog.restore([&]() -> std::string_view { return lines[next++]; });
}

const std::string kState =
    "state id=1 applied=7 leaf=- published=0 changed=0 format=1 origin=\"o\" vkey=\"v\" clock=0 artifacts=0 versions=0 "
    "bytes=0\n";

}  // namespace

TEST_CASE("a line that no dump has is refused, and nothing is taken over", "[catalog]") {
  const TempDir dir;
  Catalog catalog(dir.path() / "catalog.db");
  const std::string bad = GENERATE(values<std::string>(
      {"nonsense\n", "entry dir=1 name=x'61' id=2\nkind=0", "entry dir=1 name=x'6' id=2 kind=0 cookie=2\n",
       "entry dir=1 name=\"a id=2 kind=0 cookie=2\n", "entry dir=\n", "entry dir=1", "no_table a=1\n", "entry none=1\n",
       "entry dir=1;DROP id=2\n", "policy sequence=99999999999999999999\n",
       "entry dir=1 name=x'zz' id=2 kind=0 cookie=2\n"}));
  INFO(bad);
  CHECK_THROWS_AS(restore(catalog, {kState, "entry dir=1 name=x'61' id=2 kind=0 cookie=2\n", bad}), Error);
  CHECK(catalog.applied() == 0);
  CHECK_FALSE(catalog.child(1, "a"));
}

TEST_CASE("only an empty catalog takes a dump over", "[catalog]") {
  const TempDir dir;
  Catalog catalog(dir.path() / "catalog.db");
  restore(catalog, {kState});
  CHECK(catalog.applied() == 7);
  CHECK_THROWS_AS(restore(catalog, {kState}), Error);
  CHECK(catalog.applied() == 7);
}

TEST_CASE("every byte of a name and of a text comes back", "[catalog]") {
  const TempDir dir;
  Catalog catalog(dir.path() / "catalog.db"), copy(dir.path() / "copy.db");
  std::string hex, escaped;
  for (int c = 1; c < 256; ++c) {
    char text[8];
    std::snprintf(text, sizeof text, "%02x", static_cast<unsigned>(c));
    hex += text;
    if (c < 0x80) escaped += "\\x" + std::string(text);
  }
  restore(catalog, {"entry dir=1 name=x'" + hex + "' id=2 kind=0 cookie=2\n",
                    "policy sequence=-3 number=- sha256=- time=4 user=\"" + escaped + "\"\n", kState});
  std::vector<std::string> lines;
  catalog.dump([&](std::string_view line) { lines.emplace_back(line); });
  restore(copy, lines);
  CHECK((copy.dump() == catalog.dump()));
  CHECK(copy.dump().find("name=x'" + hex + "'") != std::string::npos);
}

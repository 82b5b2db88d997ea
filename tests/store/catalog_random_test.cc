// SPDX-License-Identifier: Apache-2.0
// Goal: for any valid log the catalog answers as a simple model does, and replay rebuilds it byte for byte.
// Method: thousands of random records (fixed seeds); after every few the two are compared; then the same log is applied
// to a fresh catalog, to one that crashes at random points and replays, and to one that begins with a snapshot.
#include "tests/catch.h"
#include "tests/store/catalog_model.h"

using namespace ward::tests;

namespace {

void compare_inodes(const Catalog& c, const Model& model, Sequence now) {
  std::uint64_t artifacts = 0, versions = 0;
  for (Id id = kRoot; id <= now; ++id) {
    const auto n = c.inode(id);
    const auto at = model.items().find(id);
    REQUIRE(n.has_value() == (at != model.items().end()));
    if (!n) continue;
    const auto& item = at->second;
    CAPTURE(id);
    REQUIRE(n->kind == item.kind);
    REQUIRE(n->scratch == item.scratch);
    REQUIRE(n->mode == (id == kRoot && item.mode == 0 ? 0755 : item.mode));
    REQUIRE(n->home == item.home);
    REQUIRE(n->nlink == model.nlink(id));
    REQUIRE(n->version == item.version);
    if (n->version != 0) {
      REQUIRE(n->sha256 == item.numbers.at(n->version).saves.back().sha256);
      REQUIRE(n->commit == item.numbers.at(n->version).saves.back().sequence);
    }
    std::vector<Place> places{item.home};
    for (const auto* name : model.standing(id)) {
      if (name->at != item.home) places.push_back(name->at);
    }
    if (item.deleted != 0 || id == kRoot) places.clear();
    REQUIRE(c.names(id) == places);
    Names keys;
    for (const auto& [key, value] : item.xattrs) {
      keys.push_back(key);
      REQUIRE(c.xattr(id, key) == value);
    }
    REQUIRE(c.xattrs(id) == keys);
    artifacts += item.numbers.empty() ? 0 : 1;
    versions += item.numbers.size();
  }
  REQUIRE(c.totals().artifacts == artifacts);
  REQUIRE(c.totals().versions == versions);
}

void compare_versions(const Catalog& c, const Model& model) {
  for (const auto& [id, item] : model.items()) {
    const auto versions = c.versions(id);
    REQUIRE(versions.size() == item.numbers.size());
    for (const auto& v : versions) {
      const auto& number = item.numbers.at(v.ref.version);
      REQUIRE(v.final == number.final);
      REQUIRE(v.lost == number.lost);
      REQUIRE(v.amended.size() + 1 == number.saves.size());
      for (std::size_t i = 0; i < v.amended.size(); ++i) REQUIRE(v.amended[i] == number.saves[i].sha256);
    }
  }
}

/// What stood in each folder just after record `at`.
void compare_past(const Catalog& c, const Model& model, Sequence at) {
  std::map<Id, std::map<std::uint64_t, const Model::Name*>> folders;
  for (const auto& n : model.names()) {
    if (n.cookie / 2 > at || (n.died != 0 && (n.died <= at || !n.kept))) continue;
    folders[n.at.dir][n.cookie] = &n;
    REQUIRE(c.child_at(n.at.dir, n.at.name, at) == n.id);
  }
  for (const auto& [dir, expected] : folders) {
    const auto listed = c.list_at(dir, at);
    REQUIRE(listed.size() == expected.size());
    auto entry = listed.begin();
    for (const auto& [cookie, name] : expected) {
      REQUIRE(entry->cookie == cookie);
      REQUIRE(entry->name == name->at.name);
      REQUIRE(entry->id == name->id);
      ++entry;
    }
  }
}

void compare_folders(const Catalog& c, const Model& model, Sequence now) {
  for (const auto& [id, item] : model.items()) {
    if (item.kind != Kind::folder) continue;
    auto expected = model.inside(id);
    std::sort(expected.begin(), expected.end(), [](auto* a, auto* b) { return a->cookie < b->cookie; });
    const auto listed = c.list(id, 0, 1000);
    REQUIRE(listed.size() == expected.size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
      REQUIRE(listed[i].name == expected[i]->at.name);
      REQUIRE(listed[i].id == expected[i]->id);
      REQUIRE(listed[i].kind == model.kind(expected[i]));
    }
    REQUIRE(c.empty(id) == expected.empty());
  }
  for (const auto& [id, item] : model.items()) {
    if (item.deleted == 0) continue;
    const auto gone = c.deleted(item.home.dir);
    REQUIRE(std::any_of(gone.begin(), gone.end(), [&](const Entry& e) { return e.id == id; }));
    REQUIRE_FALSE(c.path(id).empty());
  }
  std::map<Id, Id> drafts;
  for (const auto& d : c.drafts()) drafts[d.draft] = d.artifact;
  REQUIRE(drafts == model.drafts());
  compare_past(c, model, now);
}

/// Applies the log to a catalog that is closed at random points, flushed or not.
std::string after_crashes(const std::vector<Record>& log, std::uint64_t seed) {
  const TempDir dir;
  std::mt19937_64 random(seed);
  auto catalog = std::make_unique<Catalog>(dir.path() / "catalog.db");
  std::size_t furthest = 0;
  while (catalog->applied() < log.size()) {
    const auto& record = log[catalog->applied()];
    catalog->apply(record, leaf(record.sequence));
    furthest = std::max<std::size_t>(furthest, catalog->applied());
    if (random() % 50 == 0) catalog->flush();
    if (random() % 100 == 0 && catalog->applied() == furthest) {  // so that it gets to the end
      catalog.reset();
      catalog = std::make_unique<Catalog>(dir.path() / "catalog.db");
    }
  }
  return catalog->dump();
}

/// Applies the log up to `cut`, takes the dump over into a fresh catalog, and goes on there.
std::string through_snapshot(const std::vector<Record>& log, std::size_t cut) {
  const TempDir dir;
  Catalog before(dir.path() / "before.db"), after(dir.path() / "after.db");
  for (std::size_t i = 0; i < cut; ++i) before.apply(log[i], leaf(log[i].sequence));
  std::vector<std::string> lines;
  before.dump([&](std::string_view line) { lines.emplace_back(line); });
  lines.emplace_back();
  std::size_t next = 0;
  after.restore([&]() -> std::string_view { return lines[next++]; });
  REQUIRE((after.dump() == before.dump()));
  REQUIRE(after.totals().versions == before.totals().versions);
  for (std::size_t i = cut; i < log.size(); ++i) after.apply(log[i], leaf(log[i].sequence));
  return after.dump();
}

}  // namespace

TEST_CASE("random logs: the catalog is what the model says, and what replay says", "[catalog]") {
  const auto seed = GENERATE(range(1, 5));
  CAPTURE(seed);
  Story s;
  Model model(static_cast<std::uint64_t>(seed));
  for (int i = 1; i <= 2000; ++i) {
    CAPTURE(s.next());
    s.does(model.step(s.next()));
    if (i % 200 != 0) continue;
    const auto now = s.next() - 1;
    compare_inodes(s.catalog(), model, now);
    compare_versions(s.catalog(), model);
    compare_folders(s.catalog(), model, now);
    for (const auto at : {now / 3, now / 2, now - 10}) compare_past(s.catalog(), model, at);
  }
  const auto dump = s.catalog().dump();
  CHECK((dump == s.rebuilt()));  // in parentheses: nobody wants to see two dumps
  CHECK((dump == after_crashes(s.log(), static_cast<std::uint64_t>(seed))));
  for (const std::size_t cut : {std::size_t{1}, s.log().size() / 2, s.log().size()})
    CHECK((dump == through_snapshot(s.log(), cut)));
  s.catalog().flush();
  CHECK((dump == s.catalog().dump()));
  s.crash();  // what was remembered is gone: the tables alone say the same
  compare_inodes(s.catalog(), model, s.next() - 1);
}

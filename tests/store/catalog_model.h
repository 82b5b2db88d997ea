// SPDX-License-Identifier: Apache-2.0
// A simple model of the catalog that invents valid records: what the random test compares with. It keeps every name
// that ever stood in one list and works by looking through it, so it shares neither method nor code with the catalog.
#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "tests/store/catalog_story.h"

namespace ward::tests {

class Model {
 public:
  struct Name {
    Place at;
    Id id = 0;
    std::uint64_t cookie = 0;
    Sequence died = 0;  // 0 = stands
    bool kept = true;   // a dead name that time travel still shows
  };
  struct Save {
    Sequence sequence = 0;
    Sha256 sha256;
    bool operator==(const Save&) const = default;
  };
  struct Number {  // one version: all bytes that it had, the last are current
    std::vector<Save> saves;
    bool final = false, lost = false;
  };
  struct Item {
    Kind kind = Kind::file;
    bool scratch = false;
    Place home;
    std::uint32_t mode = 0;
    std::uint64_t version = 0;
    std::map<std::uint64_t, Number> numbers;
    std::map<std::string, std::string> xattrs;
    Sequence deleted = 0;
  };

  explicit Model(std::uint64_t seed) : random_(seed) { items_[kRoot].kind = Kind::folder; }

  /// A record that is valid as number `sequence`, and what it does to the model.
  Payload step(Sequence sequence) {
    now_ = sequence;
    using Maker = std::optional<Payload> (Model::*)();
    static constexpr Maker makers[] = {
        &Model::create,   &Model::create,   &Model::create,   &Model::link,   &Model::remove,  &Model::remove,
        &Model::rename,   &Model::rename,   &Model::rename,   &Model::swap,   &Model::merge,   &Model::merge,
        &Model::promote,  &Model::restore,  &Model::commit,   &Model::commit, &Model::commit,  &Model::amend,
        &Model::amend,    &Model::finalise, &Model::open,     &Model::open,   &Model::abandon, &Model::setattr,
        &Model::setxattr, &Model::lose,     &Model::unchanged};
    for (;;) {
      if (auto payload = (this->*makers[below(std::size(makers))])()) return *payload;
    }
  }

  const std::map<Id, Item>& items() const { return items_; }
  const std::vector<Name>& names() const { return names_; }
  const std::map<Id, Id>& drafts() const { return drafts_; }  // draft -> artifact

  std::vector<const Name*> standing(Id id) const {
    std::vector<const Name*> found;
    for (const auto& n : names_) {
      if (n.id == id && n.died == 0) found.push_back(&n);
    }
    return found;
  }
  std::vector<const Name*> inside(Id dir) const {
    std::vector<const Name*> found;
    for (const auto& n : names_) {
      if (n.at.dir == dir && n.died == 0) found.push_back(&n);
    }
    return found;
  }
  std::uint64_t nlink(Id id) const {
    if (items_.at(id).kind != Kind::folder) return standing(id).size();
    const auto names = inside(id);
    return 2 + std::count_if(names.begin(), names.end(), [&](auto* n) { return kind(n) == Kind::folder; });
  }
  Kind kind(const Name* name) const { return items_.at(name->id).kind; }

 private:
  std::uint64_t below(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_); }
  bool chance(unsigned percent) { return below(100) < percent; }

  template <class Accept>
  std::optional<Name> any_name(Accept accept) {
    std::vector<const Name*> found;
    for (const auto& n : names_) {
      if (n.died == 0 && accept(n, items_.at(n.id))) found.push_back(&n);
    }
    if (found.empty()) return std::nullopt;
    return *found[below(found.size())];
  }
  template <class Accept>
  Id any_item(Accept accept) {
    std::vector<Id> found;
    for (const auto& [id, item] : items_) {
      if (accept(item)) found.push_back(id);
    }
    return found.empty() ? 0 : found[below(found.size())];
  }
  Id any_folder() {
    return any_item([](const Item& i) { return i.kind == Kind::folder; });
  }
  std::optional<Place> free_place() {
    const Place at{any_folder(), "n" + std::to_string(below(40))};
    const auto names = inside(at.dir);
    if (std::any_of(names.begin(), names.end(), [&](auto* n) { return n->at == at; })) return std::nullopt;
    return at;
  }
  bool contains(Id folder, Id inner) const {
    for (Id dir = inner; dir != 0; dir = items_.at(dir).home.dir) {
      if (dir == folder) return true;
    }
    return false;
  }

  void add(const Place& at, Id id, unsigned n = 0) { names_.push_back({at, id, now_ * 2 + n, 0, true}); }
  void drop(const Place& at) {
    for (auto& n : names_) {
      if (n.at != at || n.died != 0) continue;
      const auto& item = items_.at(n.id);
      n.died = now_;
      n.kept = item.kind == Kind::folder || (!item.scratch && (item.kind != Kind::file || !item.numbers.empty()));
    }
  }
  void unlink(const Place& at, Id id) {
    drop(at);
    auto& item = items_.at(id);
    const auto left = standing(id);
    if (left.empty() && item.numbers.empty()) {
      items_.erase(id);
    } else if (left.empty()) {
      item.home = at;
      item.deleted = now_;
    } else if (item.home == at) {
      item.home = left.front()->at;
    }
  }
  void move(const Place& from, const Place& to, Id id, unsigned n = 0) {
    drop(from);
    add(to, id, n);
    if (items_.at(id).home == from) items_.at(id).home = to;
  }
  Commit next_version(Id id) {
    auto& item = items_.at(id);
    auto p = Story::version(id, item.numbers.empty() ? 1 : item.numbers.rbegin()->first + 1, std::to_string(now_));
    p.final = chance(50);
    for (auto n = below(3); n > 0; --n) p.inputs.push_back({{below(now_), 1 + below(3)}, "observed", "high"});
    p.labels.resize(below(2), "internal");
    item.numbers[p.version] = {{{now_, p.sha256}}, p.final, false};
    item.version = p.version;
    item.scratch = false;
    return p;
  }

  std::optional<Payload> create();
  std::optional<Payload> link();
  std::optional<Payload> remove();
  std::optional<Payload> rename();
  std::optional<Payload> swap();
  std::optional<Payload> merge();
  std::optional<Payload> promote();
  std::optional<Payload> restore();
  std::optional<Payload> commit();
  std::optional<Payload> amend();
  std::optional<Payload> finalise();
  std::optional<Payload> open();
  std::optional<Payload> abandon();
  std::optional<Payload> setattr();
  std::optional<Payload> setxattr();
  std::optional<Payload> lose();
  std::optional<Payload> unchanged();

  std::mt19937_64 random_;
  Sequence now_ = 0;
  std::map<Id, Item> items_;
  std::vector<Name> names_;
  std::map<Id, Id> drafts_;
};

}  // namespace ward::tests

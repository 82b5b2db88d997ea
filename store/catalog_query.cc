// SPDX-License-Identifier: Apache-2.0
// Questions about the present: inodes, names, paths, extended attributes.
#include <algorithm>

#include "store/catalog_impl.h"
#include "store/error.h"

namespace ward::store {
namespace {

constexpr std::size_t kDeepest = 100'000;  // folders; a longer walk can only be a cycle

}  // namespace

std::optional<Place> Catalog::Impl::folder_place(Id dir) {
  if (const Node* node = peek(dir)) return node->home;
  Place place;
  auto rows = db.query("SELECT dir, name FROM past_entry WHERE id=? ORDER BY cookie DESC LIMIT 1", dir);
  if (!rows.next()) return std::nullopt;
  rows.into(place.dir, place.name);
  return place;
}

std::optional<Inode> Catalog::inode(Id id) const {
  const Node* node = impl_->peek(id);
  return node != nullptr ? std::optional<Inode>(*node) : std::nullopt;
}

std::optional<Inode> Catalog::numbered(Id number) const {
  if (auto node = impl_->find(number); node && node->number == number) return static_cast<Inode&&>(*node);
  std::optional<Id> id;
  {
    auto rows = impl_->db.query("SELECT id FROM inode WHERE number=? AND number<>id", number);
    if (rows.next()) id = static_cast<Id>(rows.integer(0));
  }
  return id ? inode(*id) : std::nullopt;
}

std::optional<Id> Catalog::child(Id dir, std::string_view name) const {
  auto rows = impl_->db.query("SELECT id FROM entry WHERE dir=? AND name=?", dir, Blob{name});
  if (!rows.next()) return std::nullopt;
  return static_cast<Id>(rows.integer(0));
}

std::vector<Entry> Catalog::list(Id dir, std::uint64_t after, std::size_t limit) const {
  auto rows = impl_->db.query(
      "SELECT e.cookie, e.name, e.id, e.kind, i.number FROM entry e CROSS JOIN inode i ON i.id = e.id "
      "WHERE e.dir=? AND e.cookie>? ORDER BY e.cookie LIMIT ?",
      dir, after, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
  std::vector<Entry> entries;
  while (rows.next()) {
    auto& e = entries.emplace_back();
    rows.into(e.cookie, e.name, e.id, e.kind, e.number);
  }
  return entries;
}

bool Catalog::empty(Id dir) const {
  return !impl_->has_entries(dir);
}

std::vector<Place> Catalog::names(Id id) const {
  const Node* node = impl_->peek(id);
  if (node == nullptr || node->nlink == 0 || id == kRoot) return {};
  if (node->kind == Kind::folder || node->nlink == 1) return {node->home};
  auto rows = impl_->db.query("SELECT dir, name FROM entry WHERE id=? ORDER BY cookie", id);
  std::vector<Place> places;
  while (rows.next()) {
    auto& place = places.emplace_back();
    rows.into(place.dir, place.name);
  }
  std::stable_partition(places.begin(), places.end(), [&](const Place& place) { return place == node->home; });
  return places;
}

std::string Catalog::path(const Place& place) const {
  if (place.dir == 0) return "/";
  std::vector<std::string> names{place.name};
  for (Id dir = place.dir; dir != kRoot && dir != 0;) {
    auto up = impl_->folder_place(dir);
    if (!up) return {};
    if (names.size() == kDeepest)
      throw Error(Code::corrupt, "catalog: folder " + std::to_string(dir) + " contains itself");
    names.push_back(std::move(up->name));
    dir = up->dir;
  }
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) (path += '/') += *name;
  return path;
}

std::string Catalog::path(Id id) const {
  const auto place = impl_->folder_place(id);
  return place ? path(*place) : std::string{};
}

std::optional<std::string> Catalog::xattr(Id id, std::string_view name) const {
  auto rows = impl_->db.query("SELECT value FROM xattr WHERE id=? AND name=? AND sha256 IS NULL", id, Blob{name});
  if (!rows.next()) return std::nullopt;
  return std::string(rows.view(0));
}

std::optional<Sha256> Catalog::xattr_object(Id id, std::string_view name) const {
  auto rows = impl_->db.query("SELECT sha256 FROM xattr WHERE id=? AND name=? AND sha256 IS NOT NULL", id, Blob{name});
  if (!rows.next()) return std::nullopt;
  Sha256 sha256;
  rows.into(HexInto{sha256});
  return sha256;
}

std::vector<std::string> Catalog::xattrs(Id id) const {
  auto rows = impl_->db.query("SELECT name FROM xattr WHERE id=? ORDER BY name", id);
  std::vector<std::string> names;
  while (rows.next()) names.emplace_back(rows.view(0));
  return names;
}

}  // namespace ward::store

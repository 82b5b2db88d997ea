// SPDX-License-Identifier: Apache-2.0
// The records that the model invents. Each function returns nullopt when nothing stands where it could act.
#include "tests/store/catalog_model.h"

namespace ward::tests {

using Made = std::optional<Payload>;

namespace {

const auto any = [](const Model::Name&, const Model::Item&) { return true; };
const auto is_file = [](const Model::Name&, const Model::Item& i) { return i.kind == Kind::file; };
const auto is_artifact = [](const Model::Item& i) { return i.kind == Kind::file && !i.numbers.empty(); };

}  // namespace

Made Model::create() {
  const auto at = free_place();
  if (!at) return {};
  Create p;
  p.artifact = now_;
  p.at = *at;
  p.mode = static_cast<std::uint32_t>(below(01000));
  const auto roll = below(10);
  p.kind = roll < 7 ? Kind::file : roll < 9 ? Kind::folder : Kind::symlink;
  p.scratch = p.kind == Kind::file && chance(40);
  if (p.kind == Kind::symlink) p.target = "to";
  if (p.kind == Kind::file && chance(50)) p.handle = p.draft = now_;
  if (p.draft != 0) drafts_[p.draft] = now_;
  items_[now_] = {p.kind, p.scratch, *at, p.mode, 0, {}, {}, 0};
  add(*at, now_);
  return p;
}

Made Model::link() {
  const auto from = any_name([](const Name&, const Item& i) { return i.kind != Kind::folder; });
  const auto to = free_place();
  if (!from || !to) return {};
  Link p;
  p.artifact = from->id;
  p.to = *to;
  add(*to, from->id);
  return p;
}

Made Model::remove() {
  const auto name =
      any_name([&](const Name& n, const Item& i) { return i.kind != Kind::folder || inside(n.id).empty(); });
  if (!name) return {};
  Delete p;
  p.artifact = name->id;
  p.at = name->at;
  unlink(name->at, name->id);
  p.names_left = items_.count(name->id) != 0 ? standing(name->id).size() : 0;
  return p;
}

Made Model::rename() {
  const auto from = any_name(any);
  if (!from) return {};
  const bool folder = kind(&*from) == Kind::folder;
  auto p = Story::rename(from->id, from->at, {});
  if (chance(50)) {
    const auto to = free_place();
    if (!to) return {};
    p.to = *to;
  } else {  // over something else
    const auto over = any_name([&](const Name& n, const Item& i) {
      return n.id != from->id && (i.kind == Kind::folder) == folder && (!folder || inside(n.id).empty());
    });
    if (!over) return {};
    p.to = over->at;
    p.replaced = over->id;
  }
  if (folder && contains(from->id, p.to.dir)) return {};
  auto& item = items_.at(from->id);
  p.scratch = item.kind == Kind::file && chance(30);
  if (p.replaced != 0) unlink(p.to, p.replaced);
  move(from->at, p.to, from->id);
  item.scratch = p.scratch;
  p.whiteout = chance(10);
  if (p.whiteout) {
    items_[now_] = {Kind::char_device, false, from->at, 0, 0, {}, {}, 0};
    add(from->at, now_, 1);
  }
  return p;
}

Made Model::swap() {
  const auto a = any_name(any), b = any_name(any);
  if (!a || !b || a->id == b->id) return {};
  if (contains(a->id, b->at.dir) || contains(b->id, a->at.dir)) return {};
  auto p = Story::rename(a->id, a->at, b->at);
  p.exchange = true;
  p.replaced = b->id;
  p.scratch = items_.at(a->id).scratch;
  drop(a->at);
  drop(b->at);
  add(b->at, a->id, 0);
  add(a->at, b->id, 1);
  auto &home_a = items_.at(a->id).home, &home_b = items_.at(b->id).home;
  if (home_a == a->at) home_a = b->at;
  if (home_b == b->at) home_b = a->at;
  return p;
}

Made Model::merge() {
  const auto single = [&](const Name& n, const Item& i) { return i.kind == Kind::file && standing(n.id).size() == 1; };
  const auto from = any_name(single);
  const auto to = any_name([&](const Name& n, const Item& i) { return single(n, i) && is_artifact(i); });
  if (!from || !to || from->id == to->id) return {};
  auto p = Story::rename(to->id, from->at, to->at);
  p.retired = from->id;
  auto &source = items_.at(from->id), &target = items_.at(to->id);
  target.mode = source.mode;
  target.xattrs = std::move(source.xattrs);
  source.xattrs.clear();
  for (auto& [draft, artifact] : drafts_) {
    if (artifact == from->id) artifact = to->id;
  }
  unlink(from->at, from->id);
  p.saved = next_version(to->id);
  return p;
}

Made Model::promote() {
  const auto from = any_name([](const Name&, const Item& i) { return i.kind == Kind::file && i.scratch; });
  const auto to = free_place();
  if (!from || !to) return {};
  auto p = Story::rename(from->id, from->at, *to);
  move(from->at, *to, from->id);
  p.saved = next_version(from->id);
  return p;
}

Made Model::restore() {
  const Id id = any_item([](const Item& i) { return i.deleted != 0; });
  const auto to = free_place();
  if (id == 0 || !to) return {};
  Restore p;
  p.artifact = id;
  p.to = *to;
  auto& item = items_.at(id);
  item.deleted = 0;
  item.home = *to;
  add(*to, id);
  return p;
}

Made Model::commit() {
  const auto name = any_name(is_file);
  if (!name) return {};
  return next_version(name->id);
}

Made Model::amend() {
  const Id id = any_item([](const Item& i) { return i.version != 0 && !i.numbers.at(i.version).final; });
  if (id == 0) return {};
  auto& item = items_.at(id);
  auto p = Story::version(id, item.version, "amended " + std::to_string(now_));
  p.amends = true;
  p.final = chance(30);
  item.scratch = false;
  auto& number = item.numbers.at(item.version);
  number.saves.push_back({now_, p.sha256});
  number.final = p.final;
  return p;
}

Made Model::finalise() {
  const Id id = any_item([](const Item& i) { return i.version != 0 && !i.numbers.at(i.version).final; });
  if (id == 0) return {};
  Finalise p;
  p.artifact = id;
  p.version = items_.at(id).version;
  items_.at(id).numbers.at(p.version).final = true;
  return p;
}

Made Model::open() {
  const auto name = any_name(is_file);
  if (!name) return {};
  Open p;
  p.artifact = name->id;
  p.handle = now_;
  if (chance(50)) p.draft = now_;
  if (p.draft != 0) drafts_[now_] = name->id;
  return p;
}

Made Model::abandon() {
  if (drafts_.empty()) return {};
  const auto at = std::next(drafts_.begin(), static_cast<std::ptrdiff_t>(below(drafts_.size())));
  Abandon p;
  p.draft = at->first;
  p.artifact = at->second;
  drafts_.erase(at);
  return p;
}

Made Model::setattr() {
  const Id id = any_item([](const Item&) { return true; });
  SetAttr p;
  p.artifact = id;
  p.mode = static_cast<std::uint32_t>(below(010000));
  items_.at(id).mode = *p.mode;
  return p;
}

Made Model::setxattr() {
  const Id id = any_item([](const Item&) { return true; });
  SetXattr p;
  p.artifact = id;
  p.name = "user.k" + std::to_string(below(4));
  p.removed = chance(30);
  auto& xattrs = items_.at(id).xattrs;
  if (p.removed) {
    xattrs.erase(p.name);
  } else {
    p.value = xattrs[p.name] = std::to_string(now_);
  }
  return p;
}

Made Model::lose() {
  if (!chance(20)) return {};
  const Id id = any_item([](const Item& i) { return i.version != 0; });
  if (id == 0) return {};
  auto& item = items_.at(id);
  VersionLost p;
  p.artifact = id;
  p.version = item.version;
  item.numbers.at(item.version).lost = true;
  for (const auto& [number, state] : item.numbers) {
    if (!state.lost) p.fallback = number;
  }
  item.version = p.fallback;
  return p;
}

Made Model::unchanged() {
  const auto name = any_name([](const Name&, const Item& i) { return i.version != 0; });
  if (!name) return {};
  Unchanged p;
  p.artifact = name->id;
  p.version = items_.at(name->id).version;
  return p;
}

}  // namespace ward::tests

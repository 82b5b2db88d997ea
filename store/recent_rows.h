// SPDX-License-Identifier: Apache-2.0
// Private to catalog*.cc: rows of a table that were used last, each exactly as the table holds it, so that most
// look-ups need no query. Whoever changes a row changes or erases it here too; whoever rolls back clears all.
#pragma once
#include <unordered_map>
#include <utility>

namespace ward::store {

/// Two generations: what is found in the old one moves to the young one, and when that is full it becomes the old one.
/// So what is used at least once in `half` look-ups of others stays, and at most 2 * half rows are kept.
template <class Key, class Row>
class RecentRows {
 public:
  explicit RecentRows(std::size_t half) : half_(half) {}

  /// Null when it isn't kept. Valid until the next call.
  Row* find(const Key& key) {
    if (const auto found = young_.find(key); found != young_.end()) return &found->second;
    auto moving = old_.extract(key);
    if (moving.empty()) return nullptr;
    make_room();
    return &young_.insert(std::move(moving)).position->second;
  }
  Row& put(const Key& key, Row row) {
    old_.erase(key);
    if (!young_.contains(key)) make_room();
    return young_.insert_or_assign(key, std::move(row)).first->second;
  }
  void erase(const Key& key) {
    young_.erase(key);
    old_.erase(key);
  }
  void clear() {
    young_.clear();
    old_.clear();
  }

 private:
  void make_room() {
    if (young_.size() < half_) return;
    old_ = std::move(young_);
    young_.clear();
  }

  const std::size_t half_;
  std::unordered_map<Key, Row> young_, old_;
};

}  // namespace ward::store

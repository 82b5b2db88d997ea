// SPDX-License-Identifier: Apache-2.0
// The catalog's transaction: apply, flush, and what happens when either fails.
#include "store/catalog.h"

#include "store/catalog_impl.h"
#include "store/crypto.h"
#include "store/error.h"
#include "store/git_changes.h"

namespace ward::store {

Catalog::Catalog(const std::filesystem::path& file) : impl_(std::make_unique<Impl>(file)) {}
Catalog::~Catalog() = default;

void Catalog::apply(const Record& record, const std::string& leaf) {
  auto& state = impl_->state;
  if (record.sequence != state.applied) {
    throw Error(Code::corrupt, "catalog: record " + std::to_string(record.sequence) + " comes where " +
                                   std::to_string(state.applied) + " is next");
  }
  hash_from_hex(leaf);  // a wrong one is refused here, not at the next flush
  try {
    std::visit([&](const auto& payload) { impl_->redo(record, payload); }, record.payload);
  } catch (...) {
    impl_->roll_back();  // half a record must not stay, and SQLite may have rolled back already
    throw;
  }
  ++state.applied;
  if (!changes_of(record).empty()) state.changed = state.applied;
  state.leaf = leaf;
}

Sequence Catalog::applied() const {
  return impl_->state.applied;
}
Sequence Catalog::changed() const {
  return impl_->state.changed;
}
std::string Catalog::applied_leaf() const {
  return impl_->state.leaf;
}

void Catalog::flush() {
  auto& impl = *impl_;
  if (impl.state.applied == impl.flushed) return;
  try {
    impl.save_state();
    impl.db.exec("COMMIT");
  } catch (const Error&) {
    if (!impl.db.in_transaction()) impl.roll_back();  // else nothing is lost and the next flush tries again
    throw;
  }
  impl.flushed = impl.state.applied;
  impl.db.exec("BEGIN");
}

}  // namespace ward::store

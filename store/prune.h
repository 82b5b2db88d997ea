// SPDX-License-Identifier: Apache-2.0
// Taking the oldest lines out of the log. The order is: a snapshot of what they lead to, verified; a `prune` record,
// durable; then the segments go. The tiles stay, so every proof and every checkpoint keeps its worth.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/record.h"
#include "store/types.h"

namespace ward::store {

/// The first record that stays when whole segments of lines older than `before` go, and no record from `limit` on; 0 =
/// nothing goes. Throws Error{io}.
Sequence prune_boundary(const std::filesystem::path& store, Nanos before, Sequence limit);

/// Replays the log from its beginning up to `boundary`, writes the snapshot, and reads it back to see that it tells the
/// same; what the record is to say, which names a later boundary when a crash left lines before a snapshot. Beside a
/// running daemon. nullopt when `stop()` said so. Throws Error{io}, {no_space}, {corrupt}.
std::optional<Prune> prepare_prune(const std::filesystem::path& store, Sequence boundary,
                                   const std::function<bool()>& stop);

/// Keeps the lines before `boundary` that say who opened these handles, in STORE/opens: what they go on reading is
/// theirs, also when only a slot tells of it after a crash. Durable. Throws Error{io}, {no_space}.
void keep_opens(const std::filesystem::path& store, Sequence boundary, std::vector<Sequence> handles);
/// The line of that open, from the log or from what was kept of it; nullopt when neither has it.
std::optional<std::string> open_line(const std::filesystem::path& store, Sequence handle);
/// No handle is open any more.
void forget_opens(const std::filesystem::path& store);

/// Deletes the segments before `boundary`, oldest first, their indexes and older snapshots.
void delete_pruned(const std::filesystem::path& store, Sequence boundary);

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// A version's inputs or outputs as a tree that ends: the walk behind lineage.json and lineage.txt. Private to the
// reports.
#pragma once
#include <deque>
#include <vector>

#include "store/reports.h"

namespace ward::store {

enum class Direction { inputs, outputs };

struct LineageNode {
  VersionRef ref;
  std::string basis, confidence;  // of the edge to its parent; "" for the root
  int depth = 0;
  bool hidden = false;    // not for this reader
  bool repeated = false;  // expanded at another, nearer place
  bool more = false;      // it has edges that the limits left out
  std::vector<std::size_t> children;
};

/// Node 0 is `of`; children are indices into the result. Breadth first, so that a version that is reached on several
/// ways (or in a cycle, in a damaged store) is expanded where it is nearest, once.
std::deque<LineageNode> walk(const Catalog& catalog, VersionRef of, Direction direction, const Visible& visible);

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
#include "store/lineage_tree.h"

#include <set>

namespace ward::store {
namespace {

constexpr int kDepthMax = 16;
constexpr std::size_t kNodesMax = 10'000;

std::vector<LineageNode> edges(const Catalog& catalog, VersionRef of, Direction direction) {
  std::vector<LineageNode> found;
  const auto add = [&](VersionRef ref, const Input& edge) {
    LineageNode node;
    node.ref = ref;
    node.basis = edge.basis;
    node.confidence = edge.confidence;
    found.push_back(std::move(node));
  };
  if (direction == Direction::inputs)
    for (const auto& input : catalog.inputs(of)) add(input.of, input);
  else
    for (const auto& [made, input] : catalog.outputs(of)) add(made, input);
  return found;
}

}  // namespace

std::deque<LineageNode> walk(const Catalog& catalog, VersionRef of, Direction direction, const Visible& visible) {
  std::deque<LineageNode> nodes(1);
  nodes[0].ref = of;
  std::set<VersionRef> expanded;
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    LineageNode& node = nodes[at];  // stays valid: a deque doesn't move its elements when it grows at the end
    node.hidden = at != 0 && visible && !visible(node.ref.artifact);
    if (node.hidden) continue;
    if (!expanded.insert(node.ref).second) {
      node.repeated = true;
      continue;
    }
    for (auto& edge : edges(catalog, node.ref, direction)) {
      if (node.depth == kDepthMax || nodes.size() == kNodesMax) {
        node.more = true;
        break;
      }
      edge.depth = node.depth + 1;
      node.children.push_back(nodes.size());
      nodes.push_back(std::move(edge));
    }
  }
  return nodes;
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// lineage.json and lineage.txt.
#include "store/lineage_tree.h"
#include "store/report_text.h"

namespace ward::store {
namespace {

using Nodes = std::deque<LineageNode>;

std::string sha256_of(const Catalog& catalog, VersionRef ref) {
  const auto version = catalog.version(ref);
  return version ? version->sha256 : "";
}

Json to_json(const Catalog& catalog, const Nodes& nodes, std::size_t at, const char* key) {
  const LineageNode& node = nodes[at];
  Json json = Json::object();
  if (node.hidden) {
    json["hidden"] = true;
  } else {
    set_raw(json, "path", catalog.path(node.ref.artifact));
    json["version"] = node.ref.version;
    json["sha256"] = sha256_of(catalog, node.ref);
  }
  if (!node.basis.empty()) json["basis"] = node.basis;
  if (!node.confidence.empty()) json["confidence"] = node.confidence;
  if (node.repeated) json["repeated"] = true;
  if (node.more) json["more"] = true;
  if (node.hidden || node.repeated) return json;
  json[key] = Json::array();
  for (const auto child : node.children) json[key].push_back(to_json(catalog, nodes, child, key));
  return json;
}

std::string name(const Catalog& catalog, VersionRef ref) {
  return shown(catalog.path(ref.artifact)) + " v" + std::to_string(ref.version) + "  " +
         sha256_of(catalog, ref).substr(0, 12);
}

void to_text(const Catalog& catalog, const Nodes& nodes, std::size_t at, std::string& out) {
  const LineageNode& node = nodes[at];
  out.append(static_cast<std::size_t>(node.depth) * 2, ' ');
  out += node.hidden ? "(something that you may not read)" : name(catalog, node.ref);
  out += "  " + node.basis + ", " + node.confidence + " confidence";
  if (node.repeated) out += "  (see its other place)";
  if (node.more) out += "  (and more)";
  out += "\n";
  for (const auto child : node.children) to_text(catalog, nodes, child, out);
}

void section(const Catalog& catalog, const Nodes& nodes, const char* title, std::string& out) {
  out += title;
  out += nodes[0].children.empty() ? " nothing that is known\n" : "\n";
  for (const auto child : nodes[0].children) to_text(catalog, nodes, child, out);
}

}  // namespace

std::string lineage_json(const Catalog& catalog, VersionRef of, const Visible& visible) {
  if (!catalog.inode(of.artifact)) return "";
  Json json = to_json(catalog, walk(catalog, of, Direction::inputs, visible), 0, "inputs");
  json["outputs"] = to_json(catalog, walk(catalog, of, Direction::outputs, visible), 0, "outputs")["outputs"];
  return dump(json);
}

std::string lineage_text(const Catalog& catalog, VersionRef of, const Visible& visible) {
  if (!catalog.inode(of.artifact)) return "";
  std::string out = name(catalog, of) + "\n";
  section(catalog, walk(catalog, of, Direction::inputs, visible), "made from", out);
  section(catalog, walk(catalog, of, Direction::outputs, visible), "used for", out);
  return out;
}

}  // namespace ward::store

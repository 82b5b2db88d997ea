// SPDX-License-Identifier: Apache-2.0
// The bookkeeping of lineage: which activities exist, what each has read, and what is forgotten when there are too
// many. What follows from it for a save is in lineage_inputs.cc.
#include "store/lineage.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ward::store {
namespace {

bool is_shell(std::string_view executable) {
  static constexpr std::array<std::string_view, 8> shells = {"bash", "sh", "dash", "zsh", "fish", "ksh", "tcsh", "csh"};
  const auto name = executable.substr(executable.rfind('/') + 1);
  return std::find(shells.begin(), shells.end(), name) != shells.end();
}

template <class Index, class Key, class Member>
void take_out(Index& index, const Key& key, Member* member) {
  const auto found = index.find(key);
  if (found == index.end()) return;
  found->second.erase(member);
  if (found->second.empty()) index.erase(found);
}

}  // namespace

bool Lineage::seen(const Caller& caller) {
  if (registered(caller)) return true;
  const auto found = activities_.find(caller.entity_id);
  return found != activities_.end() && std::exchange(found->second.due, false);
}

void Lineage::not_recorded(const Caller& caller) {
  if (const auto found = activities_.find(caller.entity_id); found != activities_.end()) found->second.due = true;
}

bool Lineage::registered(const Caller& caller) {
  if (!caller.known || caller.entity_id.empty()) return false;
  const auto found = activities_.find(caller.entity_id);
  if (found == activities_.end()) {
    touch(add(caller));
    shrink();
    return true;
  }
  touch(found->second);
  return false;
}

void Lineage::read(const Caller& caller, VersionRef what) {
  registered(caller);
  const auto found = activities_.find(caller.entity_id);
  if (found == activities_.end()) return;
  Activity& activity = found->second;
  if (!activity.reads.emplace(what, tick()).second) return;
  activity.recent.push_back(what);
  ++reads_;
  if (activity.reads.size() > limits_.reads_per_activity) forget_oldest_read(activity);
  shrink();
}

void Lineage::read_labelled(const Caller& caller, std::span<const std::string> labels) {
  if (labels.empty()) return;
  registered(caller);
  const auto found = activities_.find(caller.entity_id);
  if (found == activities_.end()) return;
  for (const std::string& label : labels)
    if (!found->second.labels.contains(label)) found->second.labels.emplace(label, tick());
}

Lineage::Activity& Lineage::add(const Caller& caller) {
  Activity& activity = activities_[caller.entity_id];
  activity.id = caller.entity_id;
  activity.key = {caller.pid, caller.start_ticks};
  activity.exec_mark = caller.exec_mark;
  activity.session = caller.session, activity.group = caller.group;
  activity.shell = caller.pid == caller.session && is_shell(caller.executable);
  activity.joined = tick();
  activity.used = used_.insert(used_.end(), &activity);
  processes_[activity.key].insert(&activity);
  if (!caller.family) return activity;
  activity.pipe_in = caller.family->pipe_in, activity.pipe_out = caller.family->pipe_out;
  if (activity.pipe_out != 0) pipers_[activity.session].insert(&activity);
  auto session = caller.session, group = caller.group;
  for (const Ancestor& ancestor : caller.family->ancestors) {
    if (ancestor.session == session && ancestor.group != group) break;  // job control: commands of one shell stay apart
    session = ancestor.session, group = ancestor.group;
    activity.above.push_back({{ancestor.pid, ancestor.start_ticks}, ancestor.exec_mark});
    below_[activity.above.back().key].insert(&activity);
  }
  return activity;
}

/// Who is at work keeps its ancestors in memory too: its later saves need what they had read.
void Lineage::touch(const Activity& activity) {
  for (const Above& above : activity.above)
    for (const Activity* exec : execs_of(above.key)) used_.splice(used_.end(), used_, exec->used);
  used_.splice(used_.end(), used_, activity.used);
}

void Lineage::forget_oldest_read(Activity& activity) {
  activity.reads.erase(activity.recent.front());
  activity.recent.pop_front();
  --reads_;
}

void Lineage::forget(const Activity& activity) {
  take_out(processes_, activity.key, &activity);
  take_out(pipers_, activity.session, &activity);
  for (const Above& above : activity.above) take_out(below_, above.key, &activity);
  reads_ -= activity.reads.size();
  used_.erase(activity.used);
  activities_.erase(activities_.find(activity.id));
}

void Lineage::shrink() {
  while (used_.size() > 1 && (used_.size() > limits_.activities || reads_ > limits_.reads)) forget(*used_.front());
}

}  // namespace ward::store

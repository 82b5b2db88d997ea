// SPDX-License-Identifier: Apache-2.0
#include "fs/virtual_log.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "fs/stream_file.h"
#include "store/error.h"
#include "store/json_text.h"
#include "store/log_index.h"
#include "store/log_question.h"
#include "store/log_table.h"

namespace ward::fs {
namespace {

using store::Monitor;
using store::Nanos;
using store::Requester;
using store::Segment;

constexpr std::string_view kToday = "today.tsv", kSuffix = ".tsv";
const std::string kMidnight = "T00:00:00.000000Z";

/// The artifact that a record is about, 0 if none.
store::Id subject_of(std::string_view line) {
  constexpr std::string_view key = "\"ward\":{\"artifact\":";  // no string holds a quote that isn't escaped
  store::Id id = 0;
  if (const auto at = line.find(key); at != std::string_view::npos)
    std::from_chars(line.data() + at + key.size(), line.data() + line.size(), id);
  return id;
}

/// Which other artifacts' records the reader may see; asked once for each.
class Shown {
 public:
  Shown(Monitor& monitor, Requester who, store::Id artifact)
      : monitor_(monitor), who_(std::move(who)), artifact_(artifact) {}
  bool operator()(store::Id about) {
    if (about == artifact_) return true;
    const auto [known, is_new] = others_.try_emplace(about, false);
    if (is_new) known->second = monitor_.may_open_report(who_, about, policy::Right::audit);
    return known->second;
  }

 private:
  Monitor& monitor_;
  const Requester who_;
  const store::Id artifact_;
  std::map<store::Id, bool> others_;
};

/// Whether a segment went after it was listed.
bool pruned(const std::filesystem::path& audit, const Segment& segment) {
  const auto all = store::segments(audit);
  return !all.empty() && segment.first < all.front().first;
}

/// Goes through the log as it was when it is begun, one segment at each step; after its end through what came since.
class BySegment {
 public:
  using Use = std::function<void(const Segment&, std::uint64_t from, std::string& out)>;
  BySegment(std::filesystem::path audit, Use use) : audit_(std::move(audit)), use_(std::move(use)) {}

  bool operator()(std::string& out) {
    if (next_ == all_.size() && !std::exchange(look_again_, false)) {
      look_again_ = true;
      return false;
    }
    if (next_ == all_.size()) {
      const auto seen = all_.empty() ? Segment() : all_.back();
      all_ = store::segments(audit_);
      next_ = static_cast<std::size_t>(std::ranges::lower_bound(all_, seen.first, {}, &Segment::first) - all_.begin());
      from_ = seen.bytes;
      if (next_ < all_.size() && all_[next_].first == seen.first && all_[next_].bytes == from_) ++next_, from_ = 0;
    }
    if (next_ == all_.size()) {
      look_again_ = true;
      return false;
    }
    const Segment& segment = all_[next_++];
    try {
      use_(segment, std::exchange(from_, 0), out);
    } catch (const store::Error&) {
      if (!pruned(audit_, segment)) throw;
    }
    return true;
  }

 private:
  std::filesystem::path audit_;
  Use use_;
  std::vector<Segment> all_;
  std::size_t next_ = 0;
  bool look_again_ = true;
  std::uint64_t from_ = 0;  // of the next one, what was seen already
};

/// Those of the records that the filter may match which `keep` says.
std::unique_ptr<VirtualFile> open_lines(Monitor& monitor, const store::LogFilter& filter,
                                        const std::function<bool(std::string_view)>& keep) {
  return std::make_unique<StreamFile>([&monitor, filter, keep] {
    return BySegment(monitor.folder() / "audit",
                     [&monitor, filter, keep](const Segment& segment, std::uint64_t from, std::string& out) {
                       store::candidates(monitor.folder() / "index", segment, from, filter, [&](std::string_view line) {
                         if (keep(line)) out.append(line).push_back('\n');
                       });
                     });
  });
}

/// What is pruned meanwhile is left out.
void each_segment(const Monitor& monitor, const std::function<void(const Segment&)>& fn) {
  const auto audit = monitor.folder() / "audit";
  for (const Segment& segment : store::segments(audit)) {
    try {
      fn(segment);
    } catch (const store::Error&) {
      if (!pruned(audit, segment)) throw;
    }
  }
}

std::string date_of(Nanos time) {
  std::string text;
  store::append_time(text, time, 6);
  return text.substr(0, 10);
}

std::string date_of(const std::string& name) {
  return name == kToday ? date_of(store::now()) : name.substr(0, name.size() - kSuffix.size());
}

}  // namespace

std::unique_ptr<VirtualFile> open_records(Monitor& monitor, const Requester& who, store::Id artifact) {
  store::LogFilter filter;
  filter.artifact = artifact;
  const auto shown = std::make_shared<Shown>(monitor, who, artifact);
  return open_lines(monitor, filter, [shown, artifact](std::string_view line) {
    return store::names_artifact(line, artifact) && (*shown)(subject_of(line));
  });
}

std::unique_ptr<VirtualFile> open_mine(Monitor& monitor, const Requester& who) {
  store::LogFilter filter;
  filter.user = std::to_string(who.uid());
  return open_lines(monitor, filter, [me = "\"user\":{\"id\":" + filter.user + ","](std::string_view line) {
    return line.find(me) != line.npos;  // not somebody whose name is that number
  });
}

store::Result<std::unique_ptr<VirtualFile>> open_answer(Monitor& monitor, const Requester& who, const Virtual& file,
                                                        const std::string& path) {
  auto question = store::parse_question(file.name.substr(kFind.size()), store::now());
  if (const auto* wrong = std::get_if<std::string>(&question))
    return monitor.deny(who, "open", store::kRoot, path, EINVAL, wrong->c_str());
  const auto& filter = std::get<store::LogFilter>(question);
  return open_lines(monitor, filter,
                    [filter](std::string_view line) { return filter.may_match(line) && filter.matches(line); });
}

std::vector<std::string> log_reports(const Monitor& monitor) {
  std::set<std::string> days;
  each_segment(monitor,
               [&](const Segment& segment) { days.merge(store::days_of(monitor.folder() / "index", segment)); });
  std::vector<std::string> names;
  for (const auto& day : days) names.push_back(day + std::string(kSuffix));
  names.emplace_back(kToday);
  return names;
}

bool is_day_file(const Monitor& monitor, const std::string& name) {
  if (name == kToday) return true;
  if (!name.ends_with(kSuffix) || !store::parse_time(date_of(name) + kMidnight)) return false;
  bool found = false;
  each_segment(monitor, [&](const Segment& segment) {
    found = found || store::has_day(monitor.folder() / "index", segment, date_of(name));
  });
  return found;
}

std::unique_ptr<VirtualFile> open_day(Monitor& monitor, const std::string& name) {
  return std::make_unique<StreamFile>([&monitor, date = date_of(name)] {
    store::LogFilter day;
    day.since = date + kMidnight, day.until = date + "T23:59:59.999999Z";
    BySegment rest(monitor.folder() / "audit",
                   [&monitor, day](const Segment& segment, std::uint64_t from, std::string& out) {
                     store::candidates(monitor.folder() / "index", segment, from, day, [&](std::string_view line) {
                       if (day.may_match(line)) out += store::table_row(line);
                     });
                   });
    return [rest = std::move(rest), titled = false](std::string& out) mutable {
      if (std::exchange(titled, true)) return rest(out);
      out += store::table_head();
      return true;
    };
  });
}

}  // namespace ward::fs

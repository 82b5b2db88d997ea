// SPDX-License-Identifier: Apache-2.0
#include "store/proc_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "store/crypto.h"
#include "store/process.h"

namespace ward::store {
namespace {

/// Takes the next number off `text`; 0 when there is none.
template <class Number>
Number next_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  Number number{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// The rest of the line that starts with `label`, nullopt without one.
std::optional<std::string_view> line_after(std::string_view text, std::string_view label) {
  const auto start = text.find(label);
  if (start == std::string_view::npos) return std::nullopt;
  const auto from = start + label.size();
  return text.substr(from, text.find('\n', from) - from);
}

std::uint64_t mix(std::uint64_t code, std::uint64_t end, std::uint64_t stack) {
  if (stack == 0) return 0;  // hidden, or without memory
  std::uint64_t mark = 0;
  for (const std::uint64_t part : {code, end, stack}) mark = (mark ^ part) * 0x9E3779B97F4A7C15U, mark ^= mark >> 32;
  return mark;
}

}  // namespace

std::optional<ProcStat> parse_stat(std::string_view text) {
  ProcStat stat;
  stat.pid = next_number<std::int32_t>(text);
  const auto name_end = text.rfind(')');  // the name may hold anything, a ')' included
  if (stat.pid == 0 || name_end == std::string_view::npos || name_end + 4 > text.size()) return std::nullopt;
  text.remove_prefix(name_end + 4);       // ") S ", the state
  std::array<std::uint64_t, 53> field{};  // numbered as in proc(5); negative ones wrap, which no field used here is
  for (std::size_t i = 4; i < field.size(); ++i) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return std::nullopt;
    const auto word = text.substr(0, text.find_first_of(" \n"));
    std::from_chars(word.data(), word.data() + word.size(), field[i]);
    text.remove_prefix(word.size());
  }
  stat.parent = static_cast<std::int32_t>(field[4]), stat.group = static_cast<std::int32_t>(field[5]);
  stat.session = static_cast<std::int32_t>(field[6]), stat.flags = static_cast<std::uint32_t>(field[9]);
  stat.start_ticks = field[22], stat.exec_mark = mix(field[26], field[27], field[28]);
  stat.exit_code = static_cast<std::int32_t>(field[52]);
  return stat;
}

std::optional<ProcStatus> parse_status(std::string_view text) {
  auto pid = line_after(text, "\nTgid:"), uids = line_after(text, "\nUid:"), gids = line_after(text, "\nGid:");
  auto groups = line_after(text, "\nGroups:");
  if (!pid || !uids || !gids || !groups) return std::nullopt;
  ProcStatus status;
  status.pid = next_number<std::int32_t>(*pid);
  status.uid = next_number<std::uint32_t>(*uids);
  const auto effective = next_number<std::uint32_t>(*uids), saved = next_number<std::uint32_t>(*uids);
  status.one_uid = status.uid == effective && status.uid == saved;
  status.fsuid = next_number<std::uint32_t>(*uids);
  for (int skipped = 0; skipped < 3; ++skipped) next_number<std::uint32_t>(*gids);
  status.fsgid = next_number<std::uint32_t>(*gids);
  while (groups->find_first_of("0123456789") != std::string_view::npos)
    status.groups.push_back(next_number<std::uint32_t>(*groups));
  status.has_memory = line_after(text, "\nVmSize:").has_value();
  return status;
}

Fd open_proc(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

std::string read_proc(int fd) {
  std::string text(4096, '\0');
  std::size_t filled = 0;
  while (true) {
    const auto got = ::pread(fd, text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
    if (got < 0) return {};
    filled += static_cast<std::size_t>(got);
    if (filled < text.size()) break;  // /proc hands out all that fits
    text.resize(text.size() * 4);
  }
  text.resize(filled);
  return text;
}

std::string read_proc(const std::string& path) {
  const Fd fd = open_proc(path);
  return fd ? read_proc(fd.get()) : std::string();
}

std::string read_proc_link(const std::string& path) {
  std::array<char, 4096> target{};
  const auto size = ::readlink(path.c_str(), target.data(), target.size());
  return {target.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
}

std::string main_stat_path(std::int32_t pid) {
  const auto number = std::to_string(pid);
  return "/proc/" + number + "/task/" + number + "/stat";
}

std::string entity_id(std::int32_t pid, std::uint64_t start_ticks, std::uint64_t exec_mark) {
  const auto text =
      boot_id() + ' ' + std::to_string(pid) + ' ' + std::to_string(start_ticks) + ' ' + std::to_string(exec_mark);
  return hex(sha256(text)).substr(0, 16);
}

std::unique_ptr<ProcFiles> ProcFilesCache::take(std::int32_t tid) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_tid_.find(tid); found != by_tid_.end()) {
      auto files = std::move(found->second->second);
      kept_.erase(found->second);
      by_tid_.erase(found);
      return files;
    }
  }
  return open(tid);
}

std::unique_ptr<ProcFiles> ProcFilesCache::open(std::int32_t tid) const {
  const auto folder = "/proc/" + std::to_string(tid);
  auto files = std::make_unique<ProcFiles>();
  files->status = open_proc(folder + "/status");
  if (!files->status) return nullptr;
  files->login = open_proc(folder + "/loginuid");
  return files;
}

void ProcFilesCache::give_back(std::int32_t tid, std::unique_ptr<ProcFiles> files) {
  std::unique_ptr<ProcFiles> dropped;  // closed after the lock
  const std::lock_guard lock(mutex_);
  if (by_tid_.contains(tid)) {  // another request of this thread came meanwhile: it was killed in ours
    dropped = std::move(files);
    return;
  }
  by_tid_[tid] = kept_.emplace(kept_.end(), tid, std::move(files));
  if (kept_.size() <= limit_) return;
  dropped = std::move(kept_.front().second);
  by_tid_.erase(kept_.front().first);
  kept_.pop_front();
}

}  // namespace ward::store

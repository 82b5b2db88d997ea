// SPDX-License-Identifier: Apache-2.0
#include "tools/terminal.h"

#include <unistd.h>

#include <array>
#include <cstdio>

#include "tools/commands.h"

namespace ward::tools {

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  wipe();
}

void ProgressLine::wipe() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void ProgressLine::show(std::string_view step, std::uint64_t done, std::uint64_t total) {
  if (!terminal_) return;
  const auto time = std::chrono::steady_clock::now();
  if (time < next_) return;
  next_ = time + std::chrono::milliseconds(100);
  wipe();
  std::fprintf(stderr, "%.*s: %llu", static_cast<int>(step.size()), step.data(), static_cast<unsigned long long>(done));
  if (total != 0)
    std::fprintf(stderr, " of %llu (%d %%)", static_cast<unsigned long long>(total),
                 static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total)));
  std::fflush(stderr);
  drawn_ = true;
}

store::Progress ProgressLine::callback() {
  return [this](std::string_view step, std::uint64_t done, std::uint64_t total) { show(step, done, total); };
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

Exit fail(Exit code, const std::string& message) {
  std::fprintf(stderr, "ward: %s\n", message.c_str());
  return code;
}

}  // namespace ward::tools

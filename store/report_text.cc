// SPDX-License-Identifier: Apache-2.0
#include "store/report_text.h"

#include <algorithm>

#include "store/crypto.h"
#include "store/json_text.h"

namespace ward::store {

std::string utc(Nanos time) {
  if (time == kForever) return "forever";
  std::string text;
  append_time(text, time, 6);
  return text.substr(0, text.find('.')) + "Z";
}

std::string utc_or_none(Nanos time) {
  return time == 0 ? "none" : utc(time);
}

std::string shown(std::string_view raw) {
  std::string text;
  append_escaped(text, raw);
  return text;
}

std::string dump(const Json& json) {
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace);
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {  // its escapes leave C1 and bidi controls as they are
    const auto end = std::min(text.find('\n', at), text.size());
    (out += harmless(std::string_view(text).substr(at, end - at), "\"\\")) += '\n';
    at = end + 1;
  }
  return out;
}

void set_raw(Json& json, const std::string& key, const std::string& raw) {
  json[key] = raw;
  if (!is_utf8(raw)) json[key + "_b64"] = base64(raw);
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace ward::store

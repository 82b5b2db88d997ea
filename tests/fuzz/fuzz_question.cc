// SPDX-License-Identifier: Apache-2.0
// Goal: no question and no line makes who looks for an answer crash, and a line that answers has every term of its
// question. Method: up to the first newline the input is a question, what follows a line.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "store/log_question.h"
#include "store/log_terms.h"

using namespace ward::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find('\n'), size);
  const auto parsed = parse_question(input.substr(0, end), 1'795'428'245'123'456'000);
  const auto line = input.substr(std::min(end + 1, size));
  std::set<Term> terms;
  terms_of(line, [&](Term term) { terms.insert(term); });
  if (const auto* wrong = std::get_if<std::string>(&parsed)) {
    if (wrong->empty()) std::abort();
    return 0;
  }
  static_cast<void>(terms_of(std::get<LogFilter>(parsed)));
  static_cast<void>(std::get<LogFilter>(parsed).may_match(line));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "tools/witnessed.h"

#include <algorithm>
#include <ctime>
#include <ostream>

#include "store/error.h"
#include "store/json_text.h"
#include "store/record_json.h"
#include "store/segments.h"

namespace ward::tools {
namespace {

[[noreturn]] void wrong_words(const std::string& cause) {
  throw store::Error(store::Code::usage, cause);
}

store::VerifierKey witness_key(const std::string& text) {
  try {
    return store::parse_vkey(text, store::KeyType::cosignature);
  } catch (const store::Error& error) {
    wrong_words("--witness: " + std::string(error.what()));
  }
}

/// Name of the log: as the key from outside says it, else as the log does itself. "" when neither does.
std::string origin_of(const store::VerifyRequest& request) {
  if (request.vkey) return store::parse_vkey(*request.vkey).name;
  try {
    return std::get<store::LogStart>(store::parse_line(store::line_at(request.audit, 0)).payload).origin;
  } catch (const std::exception&) {  // an Error, or another payload: the check itself tells
    return "";
  }
}

}  // namespace

Witnessed::Witnessed(const std::vector<std::string>& keys, unsigned quorum) {
  for (const auto& text : keys) {
    auto key = witness_key(text);
    if (std::ranges::find(witnesses_, key.key, &store::VerifierKey::key) != witnesses_.end())
      wrong_words("--witness: the key of " + key.name + " is there twice");
    witnesses_.push_back(std::move(key));
  }
  if (quorum > witnesses_.size()) wrong_words("--quorum asks for more witnesses than are named");
  quorum_ = quorum == 0 ? witnesses_.size() : quorum;
}

void Witnessed::find(store::VerifyRequest& request) {
  if (witnesses_.empty()) return;
  search_ = store::find_cosigned(request.audit, request.kept, origin_of(request), witnesses_,
                                 static_cast<std::uint64_t>(std::time(nullptr)));
  request.vouched = store::vouched(search_);
}

const store::Cosigned* Witnessed::newest(const store::VerifierKey& witness) const {
  const store::Cosigned* found = nullptr;
  for (const auto& each : search_.found)
    if (each.witness == witness) found = &each;
  return found;
}

bool Witnessed::report(std::ostream& out, std::ostream& errors) const {
  std::size_t good = 0;
  for (const auto& note : search_.notes) out << "note: " << store::harmless(note) << "\n";
  for (const auto& witness : witnesses_) {
    const auto* cosigned = newest(witness);
    if (cosigned == nullptr) {
      out << "note: witness " << witness.name << " cosigned nothing of this log that is here\n";
      continue;
    }
    ++good;
    std::string time;
    store::append_time(time, static_cast<store::Nanos>(cosigned->time) * 1'000'000'000, 6);
    out << "witness " << witness.name << " cosigned " << cosigned->checkpoint.size << " records at "
        << time.substr(0, 19) << "Z (" << store::harmless(cosigned->file) << ")\n";
  }
  if (good >= quorum_) return true;
  errors << "ward: " << good << " of the witnesses cosigned this log, " << quorum_ << " should have\n";
  return false;
}

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// What `ward audit verify --witness` adds to the check of a log: enough of the named witnesses must have cosigned it.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "store/witnesses.h"

namespace ward::tools {

class Witnessed {
 public:
  /// `keys`: verifier keys of witnesses; `quorum`: how many must have cosigned, 0 = all. Throws Error{usage}.
  Witnessed(const std::vector<std::string>& keys, unsigned quorum);
  /// Adds what they cosigned to what the lines are compared with.
  void find(store::VerifyRequest& request);
  /// Says who cosigned what; false when these are too few.
  bool report(std::ostream& out, std::ostream& errors) const;

 private:
  const store::Cosigned* newest(const store::VerifierKey& witness) const;

  std::vector<store::VerifierKey> witnesses_;
  std::size_t quorum_ = 0;
  store::CosignedSearch search_;
};

}  // namespace ward::tools

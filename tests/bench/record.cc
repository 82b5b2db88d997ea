// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/record.h"

#include "tests/bench/bench.h"

namespace ward::bench {

store::Record open_record(store::Sequence sequence) {
  store::Open open;
  open.artifact = kFirstArtifact + sequence % kArtifacts, open.version = 3, open.sha256 = std::string(64, 'a'),
  open.size = 104'857'600;
  open.handle = sequence, open.mode = "r", open.depth = "ranges";
  store::Record record;
  record.user = {1000, "ann", 1000, 1000, "ann"};
  record.process = {4711, "51d2e0b4c3a69788", "/usr/bin/python3.11"};
  record.path = "/models/resnet/model.safetensors";
  record.payload = open;
  record.policy = 1, record.rule = "everyone-works";
  return record;
}

}  // namespace ward::bench

// SPDX-License-Identifier: Apache-2.0
// Records as OCSF 1.8 events of the class File System Activity (1001), for SIEMs.
#pragma once
#include <string>

namespace ward::tools {

/// One JSON object without '\n'; "" for what isn't a record. What OCSF has no field for stands in `unmapped`. Pure.
std::string ocsf_event(const std::string& json);

}  // namespace ward::tools

// SPDX-License-Identifier: Apache-2.0
// Time stamps of RFC 3161: an authority signs that it saw a document's SHA-256 at a time. Part of the door to OpenSSL.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "store/types.h"

namespace ward::store {

/// A request for `document`, DER, with a nonce and asking for the authority's certificate.
std::string timestamp_request(std::string_view document);

/// When an authority that the certificates in `authorities` (PEM) vouch for saw just this document, to the second.
/// Throws Error{corrupt} for a reply (DER) that doesn't show that, Error{config} for certificates that can't be read.
Nanos check_timestamp(std::string_view reply, std::string_view document, const std::filesystem::path& authorities);

}  // namespace ward::store

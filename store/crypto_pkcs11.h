// SPDX-License-Identifier: Apache-2.0
// The one door to PKCS#11: a log's private key that lives in a token (a smart card, an HSM) and never leaves it.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/crypto.h"

namespace ward::store {

/// Whether a key is named by a PKCS#11 URI, not by a file.
bool is_token_key(std::string_view key);

/// The Ed25519 key that the URI names: its token is opened, and has signed once when this returns. A session that the
/// token lost (it was pulled out, its service was started anew) is opened again, once for each signature.
/// Take it after any fork. Throws Error{config} for a bad URI, Error{missing_key} when module, token, PIN or key can't
/// be had; no message holds a PIN. sign() throws Error{missing_key} when the token is away.
SigningKey token_key(const std::string& uri);

/// The public key in a CKA_EC_POINT: 32 bytes in a DER OCTET STRING, as the standard has it, or as they are, as some
/// tokens give them. nullopt for anything else.
std::optional<std::array<unsigned char, 32>> ed25519_point(std::span<const unsigned char> point);

}  // namespace ward::store

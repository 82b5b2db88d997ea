// SPDX-License-Identifier: Apache-2.0
// SHA-256, base64 and random bytes through OpenSSL 3. Ed25519 is in crypto_key.cc.
#include "store/crypto.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>

#include "store/error.h"

namespace ward::store {
namespace {

// Fetched once: a fetch per digest (as SHA256() and EVP_sha256() do implicitly) costs more than hashing a record.
const EVP_MD* sha256_md() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);  // lives as long as the process
  if (!md) throw Error(Code::io, "OpenSSL offers no SHA-256");
  return md;
}

// Value of a lower-case hex digit; 16 for any other byte.
constexpr auto kDigits = [] {
  std::array<unsigned char, 256> values{};
  values.fill(16);
  for (unsigned char i = 0; i < 10; ++i) values['0' + i] = i;
  for (unsigned char i = 0; i < 6; ++i) values['a' + i] = static_cast<unsigned char>(10 + i);
  return values;
}();

}  // namespace

struct Hasher::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() { start(); }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  void start() {
    if (!context || EVP_DigestInit_ex2(context, sha256_md(), nullptr) != 1) throw Error(Code::io, "SHA-256 failed");
  }
};

Hasher::Hasher() : impl_(std::make_unique<Impl>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(const void* data, std::size_t size) {
  if (EVP_DigestUpdate(impl_->context, data, size) != 1) throw Error(Code::io, "SHA-256 failed");
}

Hash Hasher::finish() {
  Hash hash;
  if (EVP_DigestFinal_ex(impl_->context, hash.data(), nullptr) != 1) throw Error(Code::io, "SHA-256 failed");
  impl_->start();
  return hash;
}

Hash sha256(std::string_view bytes) {
  thread_local Hasher hasher;
  hasher.update(bytes.data(), bytes.size());
  return hasher.finish();
}

std::string hex(std::span<const unsigned char> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text(bytes.size() * 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  return text;
}

Hash hash_from_hex(std::string_view hex64) {
  Hash hash;
  if (hex64.size() != 2 * hash.size()) throw Error(Code::corrupt, "expected 64 hex digits");
  unsigned char wrong = 0;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto high = kDigits[static_cast<unsigned char>(hex64[2 * i])];
    const auto low = kDigits[static_cast<unsigned char>(hex64[2 * i + 1])];
    wrong |= high | low;
    hash[i] = static_cast<unsigned char>(high << 4 | low);
  }
  if ((wrong & 16) != 0) throw Error(Code::corrupt, "expected 64 lower-case hex digits");
  return hash;
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock also writes a NUL
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string from_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) throw Error(Code::corrupt, "expected base64");
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  // EVP_DecodeBlock skips white space and accepts set bits under the padding: only the canonical form may pass, or
  // one signature would have many spellings.
  if (base64(bytes) != text) throw Error(Code::corrupt, "expected canonical base64");
  return bytes;
}

std::uint64_t random64() {
  // One system call per 64 numbers: a salt is drawn for every record.
  thread_local std::array<std::uint64_t, 64> pool;
  thread_local std::size_t used = pool.size();
  if (used == pool.size()) {
    if (RAND_bytes(reinterpret_cast<unsigned char*>(pool.data()), sizeof pool) != 1) {
      throw Error(Code::io, "no random bytes");
    }
    used = 0;
  }
  return pool[used++];
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// The one door to OpenSSL: SHA-256, Ed25519, base64, random bytes.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ward::store {

using Hash = std::array<unsigned char, 32>;

std::string hex(std::span<const unsigned char> bytes);
Hash hash_from_hex(std::string_view hex64);  // throws Error{corrupt}
std::string base64(std::string_view bytes);
std::string from_base64(std::string_view text);  // throws Error{corrupt}: canonical, padded base64 only
Hash sha256(std::string_view bytes);
std::uint64_t random64();

/// Incremental SHA-256. Not thread-safe; movable.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(const void* data, std::size_t size);
  Hash finish();  // and starts over

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What keeps an Ed25519 private key outside of this process and signs with it. Thread-safe.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual std::array<unsigned char, 32> public_key() const = 0;
  virtual std::array<unsigned char, 64> sign(std::string_view message) = 0;
};

/// An Ed25519 private key. Thread-safe for sign().
class SigningKey {
 public:
  explicit SigningKey(std::unique_ptr<Signer> elsewhere);
  static SigningKey generate();
  static SigningKey from_seed(std::span<const unsigned char, 32> seed);
  /// PEM (PKCS#8). Throws Error{missing_key} when the file can't be read or isn't such a key.
  static SigningKey load(const std::filesystem::path& pem);
  /// Mode 0600, fsynced, never over an existing file. A key that is elsewhere can't be saved: Error{usage}.
  void save(const std::filesystem::path& pem) const;
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();
  std::array<unsigned char, 32> public_key() const;
  std::array<unsigned char, 64> sign(std::string_view message) const;

 private:
  struct Impl;
  explicit SigningKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

bool verify(std::span<const unsigned char, 32> public_key, std::string_view message,
            std::span<const unsigned char> signature);

}  // namespace ward::store

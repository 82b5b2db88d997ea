// SPDX-License-Identifier: Apache-2.0
// Ed25519 keys and signatures through OpenSSL 3.
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "store/crypto.h"
#include "store/error.h"
#include "store/files.h"
#include "store/owned.h"

namespace ward::store {
namespace {

using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

void check(bool ok, const char* what) {
  if (!ok) throw Error(Code::io, std::string("Ed25519: ") + what + " failed");
}

}  // namespace

struct SigningKey::Impl {
  Key key;
  std::unique_ptr<Signer> elsewhere = nullptr;  // then there is no key here
};

SigningKey::SigningKey(std::unique_ptr<Signer> elsewhere)
    : impl_(std::make_unique<Impl>(Impl{nullptr, std::move(elsewhere)})) {}

SigningKey::SigningKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

SigningKey SigningKey::generate() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  check(key != nullptr, "key generation");
  return SigningKey(std::make_unique<Impl>(Impl{std::move(key)}));
}

SigningKey SigningKey::from_seed(std::span<const unsigned char, 32> seed) {
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  check(key != nullptr, "key from seed");
  return SigningKey(std::make_unique<Impl>(Impl{std::move(key)}));
}

SigningKey SigningKey::load(const std::filesystem::path& pem) {
  std::string text;
  try {
    text = read_file(pem);
  } catch (const Error& e) {
    throw Error(Code::missing_key, e.what());
  }
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // An empty passphrase instead of OpenSSL's prompt on the terminal: our keys aren't encrypted.
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, const_cast<char*>("")));
  OPENSSL_cleanse(text.data(), text.size());
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    throw Error(Code::missing_key, pem.string() + " isn't an unencrypted Ed25519 private key in PEM");
  }
  return SigningKey(std::make_unique<Impl>(Impl{std::move(key)}));
}

void SigningKey::save(const std::filesystem::path& pem) const {
  if (impl_->elsewhere) throw Error(Code::usage, "a key in a token stays there");
  const Bio bio(BIO_new(BIO_s_secmem()));
  check(PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  const Fd fd = open_file(pem, O_WRONLY | O_CREAT | O_EXCL, 0600);
  write_all(fd.get(), {data, static_cast<std::size_t>(size)}, pem);
  if (::fsync(fd.get()) != 0) throw_errno("fsync " + pem.string());
  sync_folder(pem.parent_path().empty() ? "." : pem.parent_path());
}

std::array<unsigned char, 32> SigningKey::public_key() const {
  if (impl_->elsewhere) return impl_->elsewhere->public_key();
  std::array<unsigned char, 32> bytes;
  std::size_t size = bytes.size();
  check(EVP_PKEY_get_raw_public_key(impl_->key.get(), bytes.data(), &size) == 1 && size == bytes.size(), "public key");
  return bytes;
}

std::array<unsigned char, 64> SigningKey::sign(std::string_view message) const {
  if (impl_->elsewhere) return impl_->elsewhere->sign(message);
  std::array<unsigned char, 64> signature;
  std::size_t size = signature.size();
  const Context context(EVP_MD_CTX_new());
  check(EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, impl_->key.get(), nullptr) == 1 &&
            EVP_DigestSign(context.get(), signature.data(), &size, raw(message), message.size()) == 1,
        "signature");
  return signature;
}

bool verify(std::span<const unsigned char, 32> public_key, std::string_view message,
            std::span<const unsigned char> signature) {
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()));
  const Context context(EVP_MD_CTX_new());
  return key && EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(), nullptr) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), raw(message), message.size()) == 1;
}

}  // namespace ward::store

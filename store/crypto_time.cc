// SPDX-License-Identifier: Apache-2.0
#include "store/crypto_time.h"

#include <openssl/err.h>
#include <openssl/ts.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "store/crypto.h"
#include "store/error.h"
#include "store/owned.h"

namespace ward::store {
namespace {

[[noreturn]] void fail(Code code, const std::string& what) {
  const auto error = ERR_peek_last_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  ERR_clear_error();
  throw Error(code, reason != nullptr ? what + ": " + reason : what);
}

void must(bool good, const char* what) {
  if (!good) fail(Code::io, std::string("OpenSSL: ") + what);
}

Nanos seconds_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) fail(Code::corrupt, "the time stamp has no time");
  return ::timegm(&parts) * 1'000'000'000LL;
}

}  // namespace

std::string timestamp_request(std::string_view document) {
  const Hash digest = sha256(document);
  const Owned<TS_REQ, TS_REQ_free> request(TS_REQ_new());
  const Owned<TS_MSG_IMPRINT, TS_MSG_IMPRINT_free> imprint(TS_MSG_IMPRINT_new());
  const Owned<X509_ALGOR, X509_ALGOR_free> algorithm(X509_ALGOR_new());
  const Owned<ASN1_INTEGER, ASN1_INTEGER_free> nonce(ASN1_INTEGER_new());
  must(request && imprint && algorithm && nonce, "out of memory");
  must(X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_sha256), V_ASN1_NULL, nullptr) == 1 &&
           TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) == 1 &&
           TS_MSG_IMPRINT_set_msg(imprint.get(), const_cast<unsigned char*>(digest.data()), digest.size()) == 1 &&
           ASN1_INTEGER_set_uint64(nonce.get(), random64()) == 1 && TS_REQ_set_version(request.get(), 1) == 1 &&
           TS_REQ_set_msg_imprint(request.get(), imprint.get()) == 1 &&
           TS_REQ_set_nonce(request.get(), nonce.get()) == 1 && TS_REQ_set_cert_req(request.get(), 1) == 1,
       "make a time stamp request");
  std::string der(static_cast<std::size_t>(std::max(i2d_TS_REQ(request.get(), nullptr), 0)), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  must(!der.empty() && i2d_TS_REQ(request.get(), &at) == static_cast<int>(der.size()), "write a time stamp request");
  return der;
}

Nanos check_timestamp(std::string_view reply, std::string_view document, const std::filesystem::path& authorities) {
  ERR_clear_error();
  const auto* at = reinterpret_cast<const unsigned char*>(reply.data());
  const Owned<TS_RESP, TS_RESP_free> response(d2i_TS_RESP(nullptr, &at, static_cast<long>(reply.size())));
  if (!response) fail(Code::corrupt, "this is no time stamp reply (RFC 3161, DER)");
  Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  must(store != nullptr, "out of memory");
  if (X509_STORE_load_file(store.get(), authorities.c_str()) != 1)
    fail(Code::config, authorities.string() + ": no certificates in PEM can be read from it");
  const Owned<TS_VERIFY_CTX, TS_VERIFY_CTX_free> context(TS_VERIFY_CTX_new());
  Owned<BIO, BIO_free> data(BIO_new_mem_buf(document.data(), static_cast<int>(document.size())));
  must(context && data, "out of memory");
  TS_VERIFY_CTX_set_flags(context.get(), TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_DATA);
  // Both are the context's then.
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
  must(TS_VERIFY_CTX_set0_store(context.get(), store.release()) == 1 &&
           TS_VERIFY_CTX_set0_data(context.get(), data.release()) == 1,
       "prepare to verify a time stamp");
#else
  TS_VERIFY_CTX_set_store(context.get(), store.release());
  TS_VERIFY_CTX_set_data(context.get(), data.release());
#endif
  if (TS_RESP_verify_response(context.get(), response.get()) != 1)
    fail(Code::corrupt, "the time stamp isn't of this document, or not by one of these authorities");
  return seconds_of(TS_TST_INFO_get_time(TS_RESP_get_tst_info(response.get())));
}

}  // namespace ward::store

// SPDX-License-Identifier: Apache-2.0
// Ed25519 keys in tokens, through p11-kit: CKM_EDDSA without a parameter is RFC 8032's plain Ed25519.
#include "store/crypto_pkcs11.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>

#include "store/crypto_pkcs11_uri.h"
#include "store/error.h"
#include "store/patience.h"

namespace ward::store {
namespace {

using PublicKey = std::array<unsigned char, 32>;
using Bytes = std::vector<unsigned char>;

[[noreturn]] void missing(const TokenUri& uri, const std::string& why) {
  throw Error(Code::missing_key, "the log's key " + uri.shown() + ": " + why);
}

void check(CK_RV rv, const TokenUri& uri, const char* what) {
  if (rv != CKR_OK) missing(uri, std::string(what) + ": " + p11_kit_strerror(rv));
}

void drop(CK_FUNCTION_LIST* module) {
  p11_kit_module_finalize(module);
  p11_kit_module_release(module);
}

/// The module that the URI names, or all that are registered. Initialised; finalised at the end.
class Modules {
 public:
  explicit Modules(const TokenUri& uri) {
    const auto path = uri.module_path();
    if (path.empty()) {
      registered_.reset(p11_kit_modules_load_and_initialize(0));
      if (!registered_) missing(uri, "no PKCS#11 module is registered; name one with ?module-path=");
      for (auto** module = registered_.get(); *module != nullptr; ++module) all_.push_back(*module);
      return;
    }
    auto* module = p11_kit_module_load(path.c_str(), 0);
    if (module == nullptr) {
      const char* cause = p11_kit_message();  // of this thread's last call
      missing(uri,
              "the PKCS#11 module " + path + " can't be loaded" + (cause == nullptr ? "" : std::string(": ") + cause));
    }
    if (const auto rv = p11_kit_module_initialize(module); rv != CKR_OK) {
      p11_kit_module_release(module);
      check(rv, uri, "start its module");
    }
    named_.reset(module);
    all_.push_back(module);
  }
  const std::vector<CK_FUNCTION_LIST*>& all() const { return all_; }

 private:
  Owned<CK_FUNCTION_LIST, drop> named_;
  Owned<CK_FUNCTION_LIST*, p11_kit_modules_finalize_and_release> registered_;
  std::vector<CK_FUNCTION_LIST*> all_;
};

struct TokenSlot {
  CK_FUNCTION_LIST* module;
  CK_SLOT_ID slot;
  bool needs_pin;
};

std::vector<CK_SLOT_ID> slots_of(CK_FUNCTION_LIST* module) {
  std::vector<CK_SLOT_ID> slots;
  CK_ULONG count = 0;
  if (module->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) return slots;
  slots.resize(count);
  if (module->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) return {};  // one more came in between
  slots.resize(count);
  return slots;
}

/// The one token that the URI names. A PIN is never tried on another.
TokenSlot find_token(const Modules& modules, const TokenUri& uri) {
  std::optional<TokenSlot> found;
  for (auto* module : modules.all()) {
    CK_INFO info{};
    if (module->C_GetInfo(&info) != CKR_OK || !uri.matches(info)) continue;
    for (const auto slot : slots_of(module)) {
      CK_TOKEN_INFO token{};
      if (module->C_GetTokenInfo(slot, &token) != CKR_OK || !uri.matches(token)) continue;
      if ((token.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
      if (found) missing(uri, "several tokens are named by this; add serial=");
      found = TokenSlot{module, slot, (token.flags & CKF_LOGIN_REQUIRED) != 0};
    }
  }
  if (!found) missing(uri, "its token isn't there");
  return *found;
}

/// An open session. Objects are found as whoever is logged in sees them.
class Session {
 public:
  Session(const TokenSlot& place, const TokenUri& uri) : module_(place.module), uri_(uri) {
    check(module_->C_OpenSession(place.slot, CKF_SERIAL_SESSION, nullptr, nullptr, &handle_), uri, "open a session");
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { module_->C_CloseSession(handle_); }

  CK_RV login() {
    Pin pin;
    uri_.read_pin(pin);
    auto* bytes = reinterpret_cast<unsigned char*>(pin.value().data());
    const auto rv = module_->C_Login(handle_, CKU_USER, bytes, pin.value().size());
    return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;  // the login is the whole process's
  }

  /// Up to two objects: a second one says that the first isn't the only one.
  std::vector<CK_OBJECT_HANDLE> find(CK_OBJECT_CLASS object_class, std::vector<CK_ATTRIBUTE> wanted) const {
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    wanted.push_back({CKA_CLASS, &object_class, sizeof object_class});
    wanted.push_back({CKA_KEY_TYPE, &type, sizeof type});
    check(module_->C_FindObjectsInit(handle_, wanted.data(), wanted.size()), uri_, "look for it");
    std::vector<CK_OBJECT_HANDLE> found(2);
    CK_ULONG count = 0;
    const auto rv = module_->C_FindObjects(handle_, found.data(), found.size(), &count);
    module_->C_FindObjectsFinal(handle_);
    check(rv, uri_, "look for it");
    found.resize(std::min<std::size_t>(count, found.size()));
    return found;
  }

  /// Empty when the object hasn't got it.
  Bytes attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
    Bytes bytes(1024);
    CK_ATTRIBUTE attribute{type, bytes.data(), bytes.size()};
    const auto rv = module_->C_GetAttributeValue(handle_, object, &attribute, 1);
    bytes.resize(rv == CKR_OK && attribute.ulValueLen <= bytes.size() ? attribute.ulValueLen : 0);
    return bytes;
  }

  CK_RV sign(CK_OBJECT_HANDLE key, std::string_view message, std::array<unsigned char, 64>& signature) const {
    CK_MECHANISM eddsa{CKM_EDDSA, nullptr, 0};
    if (const auto rv = module_->C_SignInit(handle_, &eddsa, key); rv != CKR_OK) return rv;
    CK_ULONG size = signature.size();
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(message.data()));  // an old C interface: it reads
    const auto rv = module_->C_Sign(handle_, bytes, message.size(), signature.data(), &size);
    return rv == CKR_OK && size != signature.size() ? CKR_GENERAL_ERROR : rv;
  }

 private:
  CK_FUNCTION_LIST* const module_;
  const TokenUri& uri_;
  CK_SESSION_HANDLE handle_ = 0;
};

bool was_away(CK_RV rv) {
  switch (rv) {
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_DEVICE_REMOVED:
    case CKR_DEVICE_ERROR:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_USER_NOT_LOGGED_IN:
      return true;
    default:
      return false;
  }
}

class TokenKey : public Signer {
 public:
  explicit TokenKey(const std::string& uri) : uri_(uri), modules_(uri_) {
    open();
    static_cast<void>(sign("ward: is this the key?"));  // no note: those end with a newline
  }

  PublicKey public_key() const override { return *public_; }

  std::array<unsigned char, 64> sign(std::string_view message) override {
    const std::lock_guard lock(mutex_);
    std::array<unsigned char, 64> signature;
    auto rv = session_ ? session_->sign(key_, message, signature) : CKR_SESSION_CLOSED;
    if (was_away(rv)) {
      open();
      rv = session_->sign(key_, message, signature);
    }
    check(rv, uri_, "sign with it");
    if (!verify(*public_, message, signature)) missing(uri_, "the token's signature isn't by the public key beside it");
    return signature;
  }

 private:
  void open() {
    session_.reset();
    if (pin_refused_) missing(uri_, "its PIN was refused and isn't tried again");  // or the token locks itself
    const auto place = find_token(modules_, uri_);
    auto session = std::make_unique<Session>(place, uri_);
    if (place.needs_pin) login(*session);
    const auto keys = session->find(CKO_PRIVATE_KEY, uri_.object());
    if (keys.empty()) missing(uri_, how_to_make());
    if (keys.size() > 1) missing(uri_, "several keys are named by this; add id=");
    const auto read = read_public(*session, keys.front());
    if (public_ && *public_ != read) missing(uri_, "the token came back with another key");
    public_ = read;
    key_ = keys.front();
    session_ = std::move(session);
  }

  void login(Session& session) {
    const auto rv = session.login();
    pin_refused_ = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID || rv == CKR_PIN_LOCKED;
    check(rv, uri_, "log in with its PIN");
  }

  PublicKey read_public(const Session& session, CK_OBJECT_HANDLE key) const {
    auto id = session.attribute(key, CKA_ID);
    std::vector<CK_ATTRIBUTE> wanted = uri_.object();
    if (!id.empty()) wanted = {{CKA_ID, id.data(), id.size()}};
    const auto found = session.find(CKO_PUBLIC_KEY, wanted);
    if (found.empty()) missing(uri_, "the token has no public key object with the private key's id");
    const auto point = ed25519_point(session.attribute(found.front(), CKA_EC_POINT));
    if (!point) missing(uri_, "its public key isn't one of Ed25519");
    return *point;
  }

  std::string how_to_make() const {
    const auto module = uri_.module_path();
    return "the token has no such Ed25519 key; make one: pkcs11-tool --module " + (module.empty() ? "MODULE" : module) +
           " --token-label TOKEN --login --keypairgen --key-type EC:edwards25519 --label OBJECT --id 01";
  }

  const TokenUri uri_;
  const Modules modules_;
  std::optional<PublicKey> public_;  // set by the first open()

  std::mutex mutex_;  // guards all that follows
  std::unique_ptr<Session> session_;
  CK_OBJECT_HANDLE key_ = 0;
  bool pin_refused_ = false;
};

/// A token may be far away and never answer: who waits for it gives up then.
class FarKey : public Signer {
 public:
  explicit FarKey(const std::string& uri) : uri_(uri) {
    key_ = answer<std::shared_ptr<TokenKey>>([uri] { return std::make_shared<TokenKey>(uri); });
  }
  PublicKey public_key() const override { return key_->public_key(); }
  std::array<unsigned char, 64> sign(std::string_view message) override {
    return answer<std::array<unsigned char, 64>>([key = key_, text = std::string(message)] { return key->sign(text); });
  }

 private:
  static constexpr std::chrono::seconds kPatient{20};
  static constexpr std::uint32_t kNoUser = UINT32_MAX - 1;  // the daemon waits, for nobody in particular

  /// What `ask` returns or throws, on a thread of its own that nobody waits for too long: it owns what it touches.
  template <class T>
  T answer(std::function<T()> ask) const {
    const auto got = std::make_shared<std::promise<T>>();
    auto result = got->get_future();
    const bool in = in_time(kNoUser, kPatient, [got, ask = std::move(ask)] {
      try {
        got->set_value(ask());
      } catch (...) {
        got->set_exception(std::current_exception());
      }
    });
    if (!in) missing(uri_, "the token hasn't answered for " + std::to_string(kPatient.count()) + " s");
    return result.get();
  }

  const TokenUri uri_;
  std::shared_ptr<TokenKey> key_;
};

}  // namespace

bool is_token_key(std::string_view key) {
  return key.starts_with("pkcs11:");
}

std::optional<PublicKey> ed25519_point(std::span<const unsigned char> point) {
  PublicKey key;
  const bool wrapped = point.size() == key.size() + 2 && point[0] == 4 && point[1] == key.size();
  if (!wrapped && point.size() != key.size()) return std::nullopt;
  std::ranges::copy(point.last(key.size()), key.begin());
  return key;
}

SigningKey token_key(const std::string& uri) {
  return SigningKey(std::make_unique<FarKey>(uri));
}

}  // namespace ward::store

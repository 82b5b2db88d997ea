// SPDX-License-Identifier: Apache-2.0
// Goal: a token's key signs as any other does, from several threads, and goes on after the token was away.
// Method: a SoftHSM token in a folder of the test's own. Its sessions are taken away from under the key as a token that
// is pulled out and put back takes them: by the module itself, which is one for the whole process.
#include "store/crypto_pkcs11.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "store/checkpoint.h"
#include "store/error.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
namespace fs = std::filesystem;

/// SoftHSM 2.6.1 loses a curve's name (an ASN1_STRING) with each signature, on whatever thread; it isn't in the trace
/// itself. Of this program only: the end-to-end tests look for leaks of all that isn't a token's.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:CRYPTO_zalloc\n";
}
extern "C" const char* __lsan_default_options() {
  return "print_suppressions=0";
}

namespace {

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

/// A token "log" with the key "ward".
class Token {
 public:
  Token() {
    fs::create_directory(dir_.path() / "tokens");
    const auto conf = (dir_.path() / "softhsm2.conf").string();
    std::ofstream(conf) << "directories.tokendir = " << (dir_.path() / "tokens").string() << "\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", conf.c_str(), 1);
    run("softhsm2-util --init-token --free --label log --pin 4711 --so-pin 4711");
    run(std::string("pkcs11-tool --module ") + kModule +
        " --token-label log --login --pin 4711 --keypairgen --key-type EC:edwards25519 --label ward --id 01");
  }
  const fs::path& folder() const { return dir_.path(); }
  static std::string uri(const std::string& pin = "4711") {
    return std::string("pkcs11:token=log;object=ward?module-path=") + kModule + "&pin-value=" + pin;
  }
  /// Ends every session of the process.
  static void pull_out() {
    void* module = ::dlopen(kModule, RTLD_NOW | RTLD_NOLOAD);
    REQUIRE(module != nullptr);
    CK_C_GetFunctionList list_of = nullptr;
    *reinterpret_cast<void**>(&list_of) = ::dlsym(module, "C_GetFunctionList");
    CK_FUNCTION_LIST* functions = nullptr;
    REQUIRE(list_of(&functions) == CKR_OK);
    std::array<CK_SLOT_ID, 8> slots{};
    CK_ULONG count = slots.size();
    REQUIRE(functions->C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK);
    for (CK_ULONG i = 0; i < count; ++i) functions->C_CloseAllSessions(slots[i]);
    ::dlclose(module);
  }

 private:
  static void run(const std::string& command) {
    INFO(command << ": scripts/setup test installs it");
    REQUIRE(std::system((command + " >/dev/null 2>&1").c_str()) == 0);
  }

  ward::tests::TempDir dir_;
};

std::string refusal(const std::string& uri) {
  try {
    token_key(uri);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a token's key signs notes, from several threads, and stays where it is") {
  const Token token;
  const auto key = token_key(Token::uri());
  const auto sign = [&](int number) { return sign_note("note " + std::to_string(number) + "\n", "log", key); };
  std::vector<std::string> notes(40);
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < 4; ++first)
    threads.emplace_back([&, first] {
      for (auto i = first; i < notes.size(); i += 4) notes[i] = sign(static_cast<int>(i));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& note : notes) CHECK(check_note(parse_note(note), {"log", key.public_key()}) == Signature::good);
  CHECK_THROWS_AS(key.save("key.pem"), Error);

  SECTION("a session that the token lost is opened again") {
    for (int i = 0; i < 3; ++i) {
      Token::pull_out();
      CHECK(check_note(parse_note(sign(i)), {"log", key.public_key()}) == Signature::good);
    }
  }
}

TEST_CASE("a PIN that a token refused isn't tried again: it would lock itself") {
  const Token token;
  const auto pin = token.folder() / "pin";
  const auto write = [&](const char* text) {
    std::ofstream(pin) << text;
    fs::permissions(pin, fs::perms::owner_read | fs::perms::owner_write);
  };
  write("4711\n");
  const auto key = token_key("pkcs11:token=log;object=ward?module-path=" + std::string(kModule) +
                             "&pin-source=file:" + pin.string());
  write("90210\n");
  Token::pull_out();
  CHECK_THROWS_WITH(key.sign("x"), Catch::Contains("log in") && !Catch::Contains("90210"));
  write("4711\n");
  CHECK_THROWS_WITH(key.sign("x"), Catch::Contains("isn't tried again"));
}

TEST_CASE("a public key comes with its DER header or without") {
  const std::string key(32, 'k');
  const auto point = [](const std::string& text) {
    const auto found = ed25519_point({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
    return found ? std::string(found->begin(), found->end()) : "none";
  };
  CHECK(point(key) == key);
  CHECK(point("\x04\x20" + key) == key);
  for (const auto& bad : {std::string(), key + "k", "\x03\x20" + key, "\x04\x21" + key, "\x04\x20" + key + "k",
                          std::string(57, 'k'), "\x04\x39" + std::string(57, 'k')})
    CHECK(point(bad) == "none");
}

TEST_CASE("a refusal of a token's key tells everything but the PIN") {
  const Token token;
  const auto wrong = refusal(Token::uri("90210"));
  CHECK(has(wrong, "token=log"));
  CHECK_FALSE(has(wrong, "90210"));
  CHECK(has(refusal("pkcs11:token=none?module-path=" + std::string(kModule)), "its token isn't there"));
  CHECK(has(refusal("pkcs11:token=%zz?pin-value=90210"), "PKCS#11 URI"));
  CHECK(
      has(refusal("pkcs11:token=log;object=ward?pin-source=90210&module-path=" + std::string(kModule)), "pin-source"));
  CHECK_FALSE(is_token_key("keys/log.pem"));
}

// HS256. The key is prepared once for each thread that uses it: a context that
// holds the hashed inner and outer pads and is rewound for every token. Fetching
// and keying anew would cost five times as much as the two hashes.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>

#include "base/bytes.h"
#include "jose/material.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kTagBytes = 32;
constexpr std::size_t kSlots = 8; // keys that a thread keeps prepared

struct FreeContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MAC_CTX, FreeContext>;

struct Slot {
  std::uint64_t key = 0; // 0: empty
  Context context;
};

// The contexts of this thread, by the id of the key. An id is never used again,
// so a slot of a key that is gone is only memory, until it is overwritten.
struct Slots {
  std::array<Slot, kSlots> slots;
  std::size_t next = 0;
};
thread_local Slots this_thread;

EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (algorithm == nullptr) throw std::runtime_error("OpenSSL has no HMAC");
  return algorithm;
}

class HmacMaterial final : public KeyMaterial {
 public:
  explicit HmacMaterial(std::string secret) : id_(next_id()), secret_(std::move(secret)), prepared_(prepare(secret_)) {}
  ~HmacMaterial() override { OPENSSL_cleanse(secret_.data(), secret_.size()); }
  HmacMaterial(const HmacMaterial&) = delete;
  HmacMaterial& operator=(const HmacMaterial&) = delete;

  Algorithm algorithm() const override { return Algorithm::hs256; }
  bool symmetric() const override { return true; }
  bool has_private() const override { return true; }

  bool verify(std::string_view input, std::string_view signature) const override {
    if (signature.size() != kTagBytes) return false;
    const auto tag = compute(input);
    return CRYPTO_memcmp(tag.data(), signature.data(), kTagBytes) == 0;
  }
  std::string sign(std::string_view input) const override {
    const auto tag = compute(input);
    return {reinterpret_cast<const char*>(tag.data()), tag.size()};
  }
  json::Object required_members() const override { return {{"k", base64url_encode(secret_)}, {"kty", "oct"}}; }
  json::Object private_members() const override { return {{"k", base64url_encode(secret_)}}; }
  std::string pem() const override { return {}; }

 private:
  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  static Context prepare(std::string_view secret) {
    Context context{EVP_MAC_CTX_new(hmac_algorithm())};
    char digest[] = "SHA256";
    const std::array<OSSL_PARAM, 2> params{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    if (context == nullptr || EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), params.data()) != 1)
      throw std::runtime_error("OpenSSL cannot prepare an HMAC key");
    return context;
  }

  EVP_MAC_CTX* context_of_this_thread() const {
    for (auto& slot : this_thread.slots)
      if (slot.key == id_) return slot.context.get();
    Slot& slot = this_thread.slots[this_thread.next++ % kSlots];
    slot.context.reset(EVP_MAC_CTX_dup(prepared_.get()));
    if (slot.context == nullptr) throw std::bad_alloc();
    slot.key = id_;
    return slot.context.get();
  }

  std::array<unsigned char, kTagBytes> compute(std::string_view input) const {
    EVP_MAC_CTX* const context = context_of_this_thread();
    std::array<unsigned char, kTagBytes> tag{};
    std::size_t size = 0;
    const bool done = EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
                      EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1 &&
                      EVP_MAC_final(context, tag.data(), &size, tag.size()) == 1 && size == kTagBytes;
    if (!done) throw std::runtime_error("OpenSSL cannot compute an HMAC");
    return tag;
  }

  std::uint64_t id_;
  std::string secret_;
  Context prepared_; // read only: EVP_MAC_CTX_dup
};

} // namespace

std::shared_ptr<const KeyMaterial> make_hmac(std::string secret) { return std::make_shared<HmacMaterial>(std::move(secret)); }

} // namespace foyer::jose

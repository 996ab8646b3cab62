// Ed25519 (RFC 8032, RFC 8037): signatures of exactly 64 bytes, S below the group's
// order (OpenSSL checks it), so that a signature has one form; and public keys that
// are points of the large group, each in its canonical form.
#include <openssl/crypto.h>

#include <array>

#include "base/bytes.h"
#include "jose/material.h"
#include "jose/openssl.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kSignatureBytes = 64;

EVP_MD_CTX* scratch() {
  thread_local const DigestContext context{needed(EVP_MD_CTX_new())};
  EVP_MD_CTX_reset(context.get());
  return context.get();
}

class Ed25519Material final : public KeyMaterial {
 public:
  Ed25519Material(Pkey key, bool has_private) : key_(std::move(key)), private_(has_private) {
    std::size_t size = x_.size();
    if (EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x_.data()), &size) != 1 ||
        size != x_.size())
      openssl_fails("OpenSSL gives no public key");
  }

  bool fits(Algorithm algorithm) const override { return algorithm == Algorithm::eddsa; }
  Algorithm usual() const override { return Algorithm::eddsa; }
  bool has_private() const override { return private_; }

  bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const override {
    if (!fits(algorithm) || signature.size() != kSignatureBytes) return false;
    EVP_MD_CTX* const context = scratch();
    const bool good = EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key_.get()) == 1 &&
        EVP_DigestVerify(context, raw(signature), signature.size(), raw(input), input.size()) == 1;
    if (!good) ERR_clear_error();
    return good;
  }

  std::string sign(Algorithm algorithm, std::string_view input) const override {
    EVP_MD_CTX* const context = scratch();
    std::string signature(kSignatureBytes, '\0');
    std::size_t size = signature.size();
    const bool done = private_ && fits(algorithm) &&
        EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_.get()) == 1 &&
        EVP_DigestSign(context, raw(signature), &size, raw(input), input.size()) == 1;
    if (!done || size != kSignatureBytes) openssl_fails("OpenSSL cannot sign with this key");
    return signature;
  }

  json::Object required_members() const override {
    return {{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", base64url_encode(x())}};
  }

  json::Object private_members() const override {
    if (!private_) return {};
    std::string seed(kEd25519Bytes, '\0');
    std::size_t size = seed.size();
    if (EVP_PKEY_get_raw_private_key(key_.get(), raw(seed), &size) != 1) openssl_fails("OpenSSL gives no private key");
    json::Object out{{"d", base64url_encode(seed)}};
    OPENSSL_cleanse(seed.data(), seed.size());
    return out;
  }

  std::string pem() const override { return write_pem(key_.get(), private_); }

  Material public_part() const override {
    if (!private_) return nullptr;
    return std::make_shared<Ed25519Material>(
        Pkey{needed(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(x()), kEd25519Bytes))}, false);
  }

 private:
  std::string_view x() const { return {x_.data(), x_.size()}; }
  Pkey key_;
  bool private_;
  std::array<char, kEd25519Bytes> x_{};
};

// y, without the sign of x, big-endian.
std::string y_of(std::string_view x) {
  std::string y{x.rbegin(), x.rend()};
  y.front() = static_cast<char>(y.front() & 0x7f);
  return y;
}

// The curve over p = 2^255 - 19: -x² + y² = 1 + d x² y².
struct Edwards {
  NumberContext context{needed(BN_CTX_new())};
  Number p = hex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
  Number d = hex("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");

  static Number hex(const char* digits) {
    BIGNUM* number = nullptr;
    if (BN_hex2bn(&number, digits) == 0) throw std::bad_alloc();
    return Number{number};
  }
  // x² = u / v with u = y² - 1 and v = d y² + 1; it has a root where u v is a square.
  bool has_x(const BIGNUM* y) {
    const Number yy{needed(BN_new())};
    const Number u{needed(BN_new())};
    const Number v{needed(BN_new())};
    const bool done = BN_mod_sqr(yy.get(), y, p.get(), context.get()) == 1 &&
        BN_mod_sub(u.get(), yy.get(), BN_value_one(), p.get(), context.get()) == 1 &&
        BN_mod_mul(v.get(), yy.get(), d.get(), p.get(), context.get()) == 1 &&
        BN_mod_add(v.get(), v.get(), BN_value_one(), p.get(), context.get()) == 1 &&
        BN_mod_mul(u.get(), u.get(), v.get(), p.get(), context.get()) == 1;
    if (!done) openssl_fails("OpenSSL cannot compute");
    return BN_kronecker(u.get(), p.get(), context.get()) >= 0;
  }
};

// y of the points whose order divides 8: one signature for them is valid for every message.
constexpr const char* kSmallOrder[] = {"0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000001",
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
    "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
    "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"};

} // namespace

Result<Material> make_ed25519_private(std::string_view seed) {
  if (seed.size() != kEd25519Bytes)
    return refuse_field(
        Cause::KEY_UNREADABLE, "d", "an Ed25519 private key of " + std::to_string(seed.size()) + " bytes; it has 32");
  return std::make_shared<Ed25519Material>(
      Pkey{needed(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(seed), seed.size()))}, true);
}

Result<Material> make_ed25519_public(std::string_view x) {
  if (x.size() != kEd25519Bytes)
    return refuse_field(
        Cause::KEY_UNREADABLE, "x", "an Ed25519 public key of " + std::to_string(x.size()) + " bytes; it has 32");
  const QuietErrors quiet;
  const std::string y_bytes = y_of(x);
  const Number y = number_of(y_bytes);
  Edwards curve;
  if (BN_cmp(y.get(), curve.p.get()) >= 0)
    return refuse_field(Cause::KEY_UNREADABLE, "x",
        "an Ed25519 public key that is not in its canonical form: y is not below 2^255 - 19");
  if (!curve.has_x(y.get()))
    return refuse_field(Cause::KEY_UNREADABLE, "x", "an Ed25519 public key that is not a point on the curve");
  const std::string hex = hex_encode(y_bytes);
  for (const char* small : kSmallOrder)
    if (hex == small)
      return refuse_field(Cause::WEAK_KEY, "x", "an Ed25519 public key of small order, for which anyone can sign");
  return std::make_shared<Ed25519Material>(
      Pkey{needed(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(x), x.size()))}, false);
}

} // namespace foyer::jose

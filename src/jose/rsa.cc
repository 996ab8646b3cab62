// RSA signatures: RSASSA-PKCS1-v1_5 (RFC 7518 §3.3) and RSASSA-PSS with a salt as long
// as the hash and MGF1 over the same hash (§3.5). A signature is exactly as long as
// the modulus. Contexts with padding and hash set are kept for each thread.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <array>

#include "base/bytes.h"
#include "jose/material.h"
#include "jose/openssl.h"

namespace foyer::jose {
namespace {

using Builder = std::unique_ptr<OSSL_PARAM_BLD, Releases<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Releases<OSSL_PARAM_free>>;

std::unexpected<Refusal> no_key(std::string field, std::string what) {
  return refuse_field(Cause::KEY_UNREADABLE, std::move(field), "an RSA key " + std::move(what));
}
std::unexpected<Refusal> weak(std::string field, std::string what) {
  return refuse_field(Cause::WEAK_KEY, std::move(field), "an RSA key " + std::move(what));
}

// Numbers of the private key with their names in OpenSSL and in RFC 7518 §6.3.2.
struct Part {
  const char* param;
  const char* member;
  std::string RsaNumbers::* number;
};
constexpr std::array<Part, 6> kPrivateParts{{{OSSL_PKEY_PARAM_RSA_D, "d", &RsaNumbers::d},
    {OSSL_PKEY_PARAM_RSA_FACTOR1, "p", &RsaNumbers::p}, {OSSL_PKEY_PARAM_RSA_FACTOR2, "q", &RsaNumbers::q},
    {OSSL_PKEY_PARAM_RSA_EXPONENT1, "dp", &RsaNumbers::dp}, {OSSL_PKEY_PARAM_RSA_EXPONENT2, "dq", &RsaNumbers::dq},
    {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, "qi", &RsaNumbers::qi}}};

class RsaMaterial final : public KeyMaterial {
 public:
  RsaMaterial(Pkey key, std::string n, std::string e, bool has_private)
      : id_(new_prepared_id()),
        key_(std::move(key)),
        n_(std::move(n)),
        e_(std::move(e)),
        private_(has_private) {}

  bool fits(Algorithm algorithm) const override {
    return family_of(algorithm) == Family::rsa_pkcs1 || family_of(algorithm) == Family::rsa_pss;
  }
  Algorithm usual() const override { return Algorithm::rs256; }
  bool has_private() const override { return private_; }

  bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const override {
    if (!fits(algorithm) || signature.size() != n_.size()) return false;
    const auto hash = digest(algorithm, input);
    const bool good =
        EVP_PKEY_verify(context(algorithm, false), raw(signature), signature.size(), hash.bytes.data(), hash.size) == 1;
    if (!good) ERR_clear_error();
    return good;
  }

  std::string sign(Algorithm algorithm, std::string_view input) const override {
    if (!private_ || !fits(algorithm)) openssl_fails("a key that cannot sign");
    const auto hash = digest(algorithm, input);
    std::string signature(n_.size(), '\0');
    std::size_t size = signature.size();
    if (EVP_PKEY_sign(context(algorithm, true), raw(signature), &size, hash.bytes.data(), hash.size) != 1 ||
        size != signature.size())
      openssl_fails("OpenSSL cannot sign with this key");
    return signature;
  }

  json::Object required_members() const override {
    return {{"e", base64url_encode(e_)}, {"kty", "RSA"}, {"n", base64url_encode(n_)}};
  }

  json::Object private_members() const override {
    json::Object out;
    if (!private_) return out;
    for (const auto& part : kPrivateParts) {
      std::string bytes = bytes_of(number_param(key_.get(), part.param).get());
      out[part.member] = base64url_encode(bytes);
      OPENSSL_cleanse(bytes.data(), bytes.size());
    }
    return out;
  }

  std::string pem() const override { return write_pem(key_.get(), private_); }
  Material public_part() const override;

 private:
  EVP_PKEY_CTX* context(Algorithm algorithm, bool signing) const {
    const auto use = static_cast<std::uint64_t>(algorithm) + (signing ? kAlgorithms : 0);
    return PreparedHere<PkeyContext>::get(id_ + use, [&] {
      PkeyContext context{needed(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr))};
      const bool pss = family_of(algorithm) == Family::rsa_pss;
      const EVP_MD* hash = digest_of(algorithm);
      EVP_PKEY_CTX* const c = context.get();
      const bool done = (signing ? EVP_PKEY_sign_init(c) : EVP_PKEY_verify_init(c)) == 1 &&
          EVP_PKEY_CTX_set_rsa_padding(c, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
          EVP_PKEY_CTX_set_signature_md(c, hash) == 1 &&
          (!pss ||
              (EVP_PKEY_CTX_set_rsa_mgf1_md(c, hash) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1));
      if (!done) openssl_fails("OpenSSL cannot prepare an RSA key");
      return context;
    });
  }

  std::uint64_t id_;
  Pkey key_;
  std::string n_;
  std::string e_;
  bool private_;
};

Pkey build(const RsaNumbers& numbers, bool with_private) {
  const Builder builder{needed(OSSL_PARAM_BLD_new())};
  std::array<Number, 2 + kPrivateParts.size()> kept; // the builder only points to them
  std::size_t used = 0;
  const auto push = [&](const char* name, const std::string& bytes) {
    kept[used] = number_of(bytes);
    if (OSSL_PARAM_BLD_push_BN(builder.get(), name, kept[used++].get()) != 1) throw std::bad_alloc();
  };
  push(OSSL_PKEY_PARAM_RSA_N, numbers.n);
  push(OSSL_PKEY_PARAM_RSA_E, numbers.e);
  if (with_private)
    for (const auto& part : kPrivateParts) push(part.param, numbers.*part.number);
  const Params params{needed(OSSL_PARAM_BLD_to_param(builder.get()))};
  const PkeyContext context{needed(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr))};
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, with_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return Pkey{key};
}

Material RsaMaterial::public_part() const {
  if (!private_) return nullptr;
  RsaNumbers numbers;
  numbers.n = n_;
  numbers.e = e_;
  return std::make_shared<RsaMaterial>(Pkey{needed(build(numbers, false).release())}, n_, e_, false);
}

// p q = n; d, dp and dq invert e; qi inverts q. Cheap, and enough: whether p and q are
// prime shows in a signature that verifies.
bool consistent(const RsaNumbers& numbers) {
  const NumberContext context{needed(BN_CTX_new())};
  const Number n = number_of(numbers.n);
  const Number e = number_of(numbers.e);
  const Number d = number_of(numbers.d);
  const Number p = number_of(numbers.p);
  const Number q = number_of(numbers.q);
  const Number qi = number_of(numbers.qi);
  const Number product{needed(BN_new())};
  if (BN_mul(product.get(), p.get(), q.get(), context.get()) != 1 || BN_cmp(product.get(), n.get()) != 0) return false;
  if (BN_is_one(p.get()) || BN_is_one(q.get()) || BN_cmp(p.get(), q.get()) == 0 || BN_cmp(d.get(), n.get()) >= 0)
    return false;
  const auto undoes = [&](const BIGNUM* prime, const std::string& own) {
    const Number order{needed(BN_dup(prime))};
    const Number reduced{needed(BN_new())};
    return BN_sub_word(order.get(), 1) == 1 && BN_mod(reduced.get(), d.get(), order.get(), context.get()) == 1 &&
        BN_cmp(reduced.get(), number_of(own).get()) == 0 &&
        BN_mod_mul(product.get(), reduced.get(), e.get(), order.get(), context.get()) == 1 && BN_is_one(product.get());
  };
  return undoes(p.get(), numbers.dp) && undoes(q.get(), numbers.dq) && BN_cmp(qi.get(), p.get()) < 0 &&
      BN_mod_mul(product.get(), qi.get(), q.get(), p.get(), context.get()) == 1 && BN_is_one(product.get());
}

} // namespace

RsaNumbers::~RsaNumbers() {
  for (auto* number : {&d, &p, &q, &dp, &dq, &qi}) OPENSSL_cleanse(number->data(), number->size());
}

Result<Material> make_rsa(const RsaNumbers& numbers) {
  const QuietErrors quiet;
  if (numbers.n.size() > kMaxRsaBits / 8)
    return no_key("n", "of " + std::to_string(numbers.n.size() * 8) + " bits; at most 8192 are allowed");
  if (numbers.e.size() > kMaxExponentBits / 8) return no_key("e", "whose exponent is longer than 64 bits");
  const Number n = number_of(numbers.n);
  const Number e = number_of(numbers.e);
  const auto bits = static_cast<std::size_t>(BN_num_bits(n.get()));
  if (bits < kMinRsaBits) return weak("n", "of " + std::to_string(bits) + " bits; at least 2048 are required");
  if (BN_is_zero(e.get()) || BN_is_one(e.get())) return weak("e", "whose exponent is 0 or 1: anyone can sign");
  if (!BN_is_odd(e.get())) return no_key("e", "whose exponent is even");
  if (!BN_is_odd(n.get())) return no_key("n", "whose modulus is even");
  if (has_roca_structure(numbers.n))
    return weak("n", "from a faulty chip (ROCA, CVE-2017-15361): its factors can be found");
  const Pkey public_key = build(numbers, false);
  if (public_key == nullptr) return no_key("n", "that OpenSSL rejects");
  // SP 800-56B §6.4.2: no small factor, not prime, not a power of a prime.
  const PkeyContext check{needed(EVP_PKEY_CTX_new_from_pkey(nullptr, public_key.get(), nullptr))};
  if (EVP_PKEY_public_check(check.get()) != 1) return weak("n", "whose modulus is not the product of two large primes");
  const bool has_private = !numbers.d.empty();
  if (has_private && !consistent(numbers))
    return no_key("d", "whose private numbers do not match its modulus and exponent");
  Pkey key = build(numbers, has_private);
  if (key == nullptr) return no_key(has_private ? "d" : "n", "that OpenSSL rejects");
  auto material = std::make_shared<RsaMaterial>(std::move(key), numbers.n, numbers.e, has_private);
  if (has_private && !material->verify(Algorithm::rs256, "a test", material->sign(Algorithm::rs256, "a test")))
    return no_key("p", "whose signatures do not verify");
  return material;
}

Result<Material> generate_rsa(std::size_t bits) {
  const Pkey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits)};
  if (key == nullptr) openssl_fails("OpenSSL cannot make an RSA key");
  RsaNumbers numbers;
  numbers.n = bytes_of(number_param(key.get(), OSSL_PKEY_PARAM_RSA_N).get());
  numbers.e = bytes_of(number_param(key.get(), OSSL_PKEY_PARAM_RSA_E).get());
  for (const auto& part : kPrivateParts) numbers.*part.number = bytes_of(number_param(key.get(), part.param).get());
  return make_rsa(numbers);
}

} // namespace foyer::jose

// ECDSA with P-256, P-384 and P-521 (RFC 7518 §3.4). A signature is R || S, each as
// long as a coordinate and from 1 to n - 1, and is passed to OpenSSL in the canonical DER form
// of the two numbers; DER itself is never accepted.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

#include <array>

#include "base/bytes.h"
#include "jose/material.h"
#include "jose/openssl.h"

namespace foyer::jose {
namespace {

using Builder = std::unique_ptr<OSSL_PARAM_BLD, Releases<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Releases<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Releases<ECDSA_SIG_free>>;

struct CurveRow {
  std::string_view crv;
  const char* group; // OpenSSL's name
  std::size_t bytes;
  Algorithm algorithm;
  std::string_view order; // n, big-endian
};

using namespace std::string_view_literals;
constexpr std::array<CurveRow, 3> kCurves{{
    {"P-256", "prime256v1", 32, Algorithm::es256,
        "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"sv},
    {"P-384", "secp384r1", 48, Algorithm::es384,
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73"sv},
    {"P-521", "secp521r1", 66, Algorithm::es512,
        "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xff\xff\xff\xff\xff\xff\xfa"
        "\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38\x64\x09"sv},
}};
static_assert(kCurves[0].order.size() == 32 && kCurves[1].order.size() == 48 && kCurves[2].order.size() == 66);

const CurveRow& row(Curve curve) { return kCurves[static_cast<std::size_t>(curve)]; }

// One INTEGER: no leading zero but the one that keeps it positive.
void append_integer(std::string& der, std::string_view number) {
  while (number.size() > 1 && number.front() == '\0') number.remove_prefix(1);
  const bool pad = (static_cast<unsigned char>(number.front()) & 0x80) != 0;
  der += '\x02';
  der += static_cast<char>(number.size() + (pad ? 1 : 0)); // at most 67
  if (pad) der += '\0';
  der += number;
}

bool in_range(std::string_view number, std::string_view order) {
  return number.find_first_not_of('\0') != std::string_view::npos &&
      number < order; // both of one length, compared as unsigned bytes
}

class EcMaterial final : public KeyMaterial {
 public:
  EcMaterial(const CurveRow& curve, Pkey key, std::string x, std::string y, bool has_private)
      : id_(new_prepared_id()),
        curve_(curve),
        key_(std::move(key)),
        x_(std::move(x)),
        y_(std::move(y)),
        private_(has_private) {}

  bool fits(Algorithm algorithm) const override { return algorithm == curve_.algorithm; }
  Algorithm usual() const override { return curve_.algorithm; }
  bool has_private() const override { return private_; }

  bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const override {
    if (!fits(algorithm) || signature.size() != 2 * curve_.bytes) return false;
    const auto r = signature.substr(0, curve_.bytes);
    const auto s = signature.substr(curve_.bytes);
    if (!in_range(r, curve_.order) || !in_range(s, curve_.order)) return false;
    thread_local std::string der;
    thread_local std::string numbers;
    numbers.clear();
    append_integer(numbers, r);
    append_integer(numbers, s);
    der.assign(1, '\x30');
    if (numbers.size() > 127) der += '\x81';
    der += static_cast<char>(numbers.size()); // at most 138
    der += numbers;
    const auto hash = digest(algorithm, input);
    const bool good =
        EVP_PKEY_verify(context(false), raw(std::string_view{der}), der.size(), hash.bytes.data(), hash.size) == 1;
    if (!good) ERR_clear_error();
    return good;
  }

  std::string sign(Algorithm algorithm, std::string_view input) const override {
    if (!private_ || !fits(algorithm)) openssl_fails("a key that cannot sign");
    const auto hash = digest(algorithm, input);
    std::array<unsigned char, 160> der{};
    std::size_t size = der.size();
    if (EVP_PKEY_sign(context(true), der.data(), &size, hash.bytes.data(), hash.size) != 1)
      openssl_fails("OpenSSL cannot sign with this key");
    const unsigned char* at = der.data();
    const Signature signature{needed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)))};
    return bytes_of(ECDSA_SIG_get0_r(signature.get()), curve_.bytes) +
        bytes_of(ECDSA_SIG_get0_s(signature.get()), curve_.bytes);
  }

  json::Object required_members() const override {
    return {{"crv", curve_.crv}, {"kty", "EC"}, {"x", base64url_encode(x_)}, {"y", base64url_encode(y_)}};
  }

  json::Object private_members() const override {
    if (!private_) return {};
    std::string d = bytes_of(number_param(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY).get(), curve_.bytes);
    json::Object out{{"d", base64url_encode(d)}};
    OPENSSL_cleanse(d.data(), d.size());
    return out;
  }

  std::string pem() const override { return write_pem(key_.get(), private_); }
  Material public_part() const override;

 private:
  EVP_PKEY_CTX* context(bool signing) const {
    return PreparedHere<PkeyContext>::get(id_ + (signing ? 1 : 0), [&] {
      PkeyContext context{needed(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr))};
      EVP_PKEY_CTX* const c = context.get();
      const bool done = (signing ? EVP_PKEY_sign_init(c) : EVP_PKEY_verify_init(c)) == 1 &&
          EVP_PKEY_CTX_set_signature_md(c, digest_of(curve_.algorithm)) == 1;
      if (!done) openssl_fails("OpenSSL cannot prepare an EC key");
      return context;
    });
  }

  std::uint64_t id_;
  const CurveRow& curve_;
  Pkey key_;
  std::string x_;
  std::string y_;
  bool private_;
};

Pkey build(const CurveRow& curve, std::string_view x, std::string_view y, std::string_view d) {
  const Builder builder{needed(OSSL_PARAM_BLD_new())};
  std::string point = "\x04";
  point.append(x).append(y);
  const Number secret = number_of(d);
  const bool pushed = OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1 &&
      (d.empty() || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get()) == 1);
  if (!pushed) throw std::bad_alloc();
  const Params params{needed(OSSL_PARAM_BLD_to_param(builder.get()))};
  const PkeyContext context{needed(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr))};
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, d.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, params.get()) != 1)
    return nullptr;
  return Pkey{key};
}

Material EcMaterial::public_part() const {
  if (!private_) return nullptr;
  return std::make_shared<EcMaterial>(curve_, Pkey{needed(build(curve_, x_, y_, {}).release())}, x_, y_, false);
}

} // namespace

std::optional<Curve> find_curve(std::string_view crv) {
  for (std::size_t i = 0; i < kCurves.size(); ++i)
    if (kCurves[i].crv == crv) return static_cast<Curve>(i);
  return std::nullopt;
}

std::size_t coordinate_bytes(Curve curve) { return row(curve).bytes; }

Result<Material> make_ec(Curve curve, std::string_view x, std::string_view y, std::string_view d) {
  const CurveRow& of = row(curve);
  const auto no_key = [&of](std::string field, std::string what) {
    return refuse_field(
        Cause::KEY_UNREADABLE, std::move(field), "a " + std::string{of.crv} + " key " + std::move(what));
  };
  const auto length = [&of](std::string_view name, std::size_t seen) {
    return "whose " + std::string{name} + " is " + std::to_string(seen) + " bytes; " + std::to_string(of.bytes) +
        " are required";
  };
  if (x.size() != of.bytes) return no_key("x", length("x", x.size()));
  if (y.size() != of.bytes) return no_key("y", length("y", y.size()));
  if (!d.empty() && d.size() != of.bytes) return no_key("d", length("d", d.size()));
  const QuietErrors quiet;
  Pkey point = build(of, x, y, {});
  if (point == nullptr) return no_key("x", "whose x and y are not a point on the curve");
  const PkeyContext check{needed(EVP_PKEY_CTX_new_from_pkey(nullptr, point.get(), nullptr))};
  if (EVP_PKEY_public_check(check.get()) != 1) return no_key("x", "whose x and y are not a point on the curve");
  if (d.empty()) return std::make_shared<EcMaterial>(of, std::move(point), std::string{x}, std::string{y}, false);
  if (!in_range(d, of.order)) return no_key("d", "whose d is not from 1 to n - 1");
  Pkey pair = build(of, x, y, d);
  if (pair == nullptr) return no_key("d", "whose d OpenSSL rejects");
  const PkeyContext pairwise{needed(EVP_PKEY_CTX_new_from_pkey(nullptr, pair.get(), nullptr))};
  if (EVP_PKEY_pairwise_check(pairwise.get()) != 1) return no_key("d", "whose d does not match x and y");
  return std::make_shared<EcMaterial>(of, std::move(pair), std::string{x}, std::string{y}, true);
}

Result<Material> generate_ec(Curve curve) {
  const CurveRow& of = row(curve);
  const Pkey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", of.group)};
  if (key == nullptr) openssl_fails("OpenSSL cannot make an EC key");
  const auto part = [&](const char* name) { return bytes_of(number_param(key.get(), name).get(), of.bytes); };
  return make_ec(curve, part(OSSL_PKEY_PARAM_EC_PUB_X), part(OSSL_PKEY_PARAM_EC_PUB_Y), part(OSSL_PKEY_PARAM_PRIV_KEY));
}

} // namespace foyer::jose

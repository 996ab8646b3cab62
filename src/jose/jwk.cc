#include "jose/jwk.h"

#include <array>
#include <span>

#include "base/bytes.h"
#include "jose/material.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kMaxKeyText = 64 * 1024;
constexpr std::size_t kNewRsaBits = 3072;

std::unexpected<Refusal> unreadable(std::string evidence) { return refuse(Cause::KEY_UNREADABLE, std::move(evidence)); }

// Whether more than one algorithm fits.
bool has_choice(const KeyMaterial& material) {
  std::size_t fitting = 0;
  for (std::size_t i = 0; i < kAlgorithms; ++i) fitting += material.fits(static_cast<Algorithm>(i)) ? 1 : 0;
  return fitting > 1;
}

Material made(Result<Material> material) { return std::move(material).value(); } // of newly generated numbers

} // namespace

Key::Key(Material material, std::string kid, std::optional<Algorithm> algorithm)
    : material_(std::move(material)),
      thumbprint_(base64url_encode(sha256(json::write(material_->required_members())))),
      kid_(kid.empty() ? thumbprint_ : std::move(kid)),
      algorithm_(algorithm.value_or(material_->usual())),
      open_(!algorithm && has_choice(*material_)) {}

Key::Key(ReadJwk read) : Key(std::move(read.material), std::move(read.kid), read.alg) {
  may_sign_ = read.may_sign;
  may_verify_ = read.may_verify;
}

Result<Key> Key::from_secret(std::string_view secret, Algorithm algorithm) {
  TRY(material, make_hmac(std::string{secret}));
  return Key{std::move(material), {}, {}}.with_algorithm(algorithm);
}

Result<Key> Key::from_jwk(const json::Object& jwk) {
  TRY(read, read_jwk(jwk));
  return Key{std::move(read)};
}

Result<Key> Key::parse_jwk(std::string_view text) {
  const auto value = json::parse(text, {.bytes = kMaxKeyText, .depth = 8});
  if (!value) return unreadable("a JWK that is not JSON: " + value.error());
  if (!value->is_object()) return unreadable("a JWK that is not a JSON object");
  return from_jwk(value->get_object());
}

Result<Key> Key::parse_pem(std::string_view pem) {
  if (pem.size() > kMaxKeyText) return unreadable("more than 64 KiB");
  TRY(material, read_pem(pem));
  return Key{std::move(material), {}, {}};
}

Result<Key> Key::parse_any(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{') return parse_jwk(text);
  return parse_pem(text);
}

Key Key::generate(Algorithm algorithm, Entropy& entropy) {
  const auto bytes = [&entropy](std::size_t size) {
    std::string out(size, '\0');
    entropy.fill(std::as_writable_bytes(std::span{out}));
    return out;
  };
  switch (family_of(algorithm)) {
    case Family::hmac: return Key{made(make_hmac(bytes(min_secret_bytes(algorithm)))), {}, algorithm};
    case Family::rsa_pkcs1:
    case Family::rsa_pss: return Key{made(generate_rsa(kNewRsaBits)), {}, algorithm};
    case Family::ecdsa:
      return Key{made(generate_ec(algorithm == Algorithm::es256 ? Curve::p256
                         : algorithm == Algorithm::es384        ? Curve::p384
                                                                : Curve::p521)),
          {}, algorithm};
    case Family::eddsa: break;
  }
  return Key{made(make_ed25519_private(bytes(kEd25519Bytes))), {}, algorithm};
}

bool Key::symmetric() const { return material_->symmetric(); }
bool Key::has_private() const { return material_->has_private(); }
bool Key::takes(Algorithm algorithm) const { return open_ ? material_->fits(algorithm) : algorithm == algorithm_; }
bool Key::verify(Algorithm algorithm, std::string_view input, std::string_view signature) const {
  return takes(algorithm) && material_->verify(algorithm, input, signature);
}
std::string Key::sign(std::string_view input) const { return material_->sign(algorithm_, input); }
std::string Key::to_pem() const { return material_->pem(); }

Result<Key> Key::with_algorithm(Algorithm algorithm) const {
  if (!takes(algorithm)) {
    if (symmetric() && family_of(algorithm) == Family::hmac && !material_->fits(algorithm))
      return refuse_field(Cause::WEAK_SECRET, "k",
          "a secret shorter than the " + std::to_string(min_secret_bytes(algorithm)) + " bytes that " +
              std::string{to_string(algorithm)} + " needs");
    return refuse_field(Cause::CONFLICTING_KEYS, "alg",
        "a key for " + std::string{to_string(algorithm_)} + ", where one for " + std::string{to_string(algorithm)} +
            " is required");
  }
  Key out = *this;
  out.algorithm_ = algorithm;
  out.open_ = false;
  return out;
}

Key Key::pinned() const {
  Key out = *this;
  out.open_ = false;
  return out;
}

Key Key::opened() const {
  Key out = *this;
  out.open_ = has_choice(*material_);
  return out;
}

json::Object Key::public_jwk() const {
  json::Object out = material_->required_members();
  if (symmetric()) out.erase("k");
  out["kid"] = kid_;
  out["use"] = "sig";
  if (!open_) out["alg"] = to_string(algorithm_);
  return out;
}

json::Object Key::private_jwk() const {
  json::Object out = public_jwk();
  for (const auto& member : material_->private_members()) out[member.key()] = member.value();
  return out;
}

Key Key::with_kid(std::string kid) const {
  Key out = *this;
  out.kid_ = kid.empty() ? thumbprint_ : std::move(kid);
  return out;
}

Key Key::public_part() const {
  auto material = material_->public_part();
  if (material == nullptr) return *this;
  Key out = *this;
  out.material_ = std::move(material);
  out.may_verify_ = true;
  return out;
}

} // namespace foyer::jose

#include "jose/jwk.h"

#include <algorithm>
#include <span>

#include "base/bytes.h"
#include "jose/material.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kMaxKeyText = 64 * 1024;
constexpr std::size_t kMaxKidBytes = 256;

std::unexpected<Refusal> unreadable(std::string evidence, std::string field = {}) { return refuse_field(Cause::KEY_UNREADABLE, std::move(field), std::move(evidence)); }

// A member's raw bytes, or why not.
Result<std::string> bytes_member(const json::Object& jwk, std::string_view name) {
  const auto text = json::get_string(jwk, name);
  if (!text) return unreadable("a JWK without the member " + std::string{name}, std::string{name});
  auto bytes = base64url_decode(*text);
  if (!bytes) return unreadable("a JWK whose " + std::string{name} + " is not base64url", std::string{name});
  return std::move(*bytes);
}

// alg, if present, names the algorithm of the kind; nothing else is put up with (one key, one algorithm).
std::optional<Refusal> check_alg(const json::Object& jwk, Algorithm wanted) {
  const auto* alg = jwk.if_contains("alg");
  if (alg == nullptr) return std::nullopt;
  if (alg->is_string() && find_algorithm(std::string_view{alg->get_string()}) == wanted) return std::nullopt;
  return Refusal{.cause = Cause::KEY_UNREADABLE, .evidence = "a JWK whose alg does not fit its kty", .field = "alg"};
}

std::optional<Refusal> check_use(const json::Object& jwk) {
  if (const auto* use = jwk.if_contains("use"); use != nullptr && (!use->is_string() || use->get_string() != "sig"))
    return Refusal{.cause = Cause::KEY_UNREADABLE, .evidence = "a JWK whose use is not sig", .field = "use"};
  const auto* ops = jwk.if_contains("key_ops");
  if (ops == nullptr) return std::nullopt;
  const bool fits = ops->is_array() && std::ranges::any_of(ops->get_array(), [](const json::Value& op) { return op.is_string() && (op.get_string() == "verify" || op.get_string() == "sign"); });
  if (fits) return std::nullopt;
  return Refusal{.cause = Cause::KEY_UNREADABLE, .evidence = "a JWK whose key_ops are not sign or verify", .field = "key_ops"};
}

Result<std::shared_ptr<const KeyMaterial>> read_oct(const json::Object& jwk) {
  TRY(secret, bytes_member(jwk, "k"));
  if (secret.size() < kMinSecretBytes) return refuse_field(Cause::WEAK_SECRET, "k", std::to_string(secret.size()) + " bytes; HS256 needs at least 32");
  return make_hmac(std::move(secret));
}

Result<std::shared_ptr<const KeyMaterial>> read_okp(const json::Object& jwk) {
  const auto crv = json::get_string(jwk, "crv");
  if (crv != "Ed25519") return unreadable("a JWK of kty OKP whose crv is not Ed25519", "crv");
  TRY(x, bytes_member(jwk, "x"));
  if (x.size() != kEd25519Bytes) return unreadable("an Ed25519 JWK whose x is not 32 bytes", "x");
  if (!jwk.contains("d")) {
    auto material = make_ed25519_public(x);
    if (material == nullptr) return unreadable("an Ed25519 JWK whose x is no key", "x");
    return material;
  }
  TRY(seed, bytes_member(jwk, "d"));
  if (seed.size() != kEd25519Bytes) return unreadable("an Ed25519 JWK whose d is not 32 bytes", "d");
  auto material = make_ed25519_private(seed);
  if (material == nullptr || json::get_string(material->required_members(), "x") != base64url_encode(x)) return unreadable("an Ed25519 JWK whose d and x do not belong together", "d");
  return material;
}

} // namespace

std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::hs256: return "HS256";
    case Algorithm::eddsa: return "EdDSA";
  }
  return "";
}

std::optional<Algorithm> find_algorithm(std::string_view name) {
  if (name == "HS256") return Algorithm::hs256;
  if (name == "EdDSA" || name == "Ed25519") return Algorithm::eddsa;
  return std::nullopt;
}

bool is_known_signature_key(const json::Object& jwk) {
  const auto kty = json::get_string(jwk, "kty");
  const bool kind = kty == "oct" || (kty == "OKP" && json::get_string(jwk, "crv") == "Ed25519");
  const auto alg = json::get_string(jwk, "alg");
  return kind && !check_use(jwk) && (!alg || find_algorithm(*alg));
}

Key::Key(std::shared_ptr<const KeyMaterial> material, std::string kid)
    : material_(std::move(material)), thumbprint_(base64url_encode(sha256(json::write(material_->required_members())))), kid_(kid.empty() ? thumbprint_ : std::move(kid)) {}

Result<Key> Key::from_secret(std::string_view secret) {
  if (secret.size() < kMinSecretBytes) return refuse(Cause::WEAK_SECRET, std::to_string(secret.size()) + " bytes; HS256 needs at least 32");
  return Key{make_hmac(std::string{secret}), {}};
}

Result<Key> Key::from_jwk(const json::Object& jwk) {
  const auto kty = json::get_string(jwk, "kty");
  if (!kty) return unreadable("a JWK without kty", "kty");
  if (auto problem = check_use(jwk)) return std::unexpected(std::move(*problem));
  std::string kid;
  if (const auto* member = jwk.if_contains("kid")) {
    if (!member->is_string() || member->get_string().empty() || member->get_string().size() > kMaxKidBytes) return unreadable("a JWK whose kid is not a string of 1 to 256 bytes", "kid");
    kid = std::string_view{member->get_string()};
  }
  if (*kty == "oct") {
    if (auto problem = check_alg(jwk, Algorithm::hs256)) return std::unexpected(std::move(*problem));
    TRY(material, read_oct(jwk));
    return Key{std::move(material), std::move(kid)};
  }
  if (*kty == "OKP") {
    if (auto problem = check_alg(jwk, Algorithm::eddsa)) return std::unexpected(std::move(*problem));
    TRY(material, read_okp(jwk));
    return Key{std::move(material), std::move(kid)};
  }
  return unreadable("a JWK of kty " + printable(*kty, 16) + "; oct and OKP are known", "kty");
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
  return Key{std::move(material), {}};
}

Result<Key> Key::parse_any(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{') return parse_jwk(text);
  return parse_pem(text);
}

Key Key::generate_ed25519(Entropy& entropy) {
  std::string seed(kEd25519Bytes, '\0');
  entropy.fill(std::as_writable_bytes(std::span{seed}));
  return Key{make_ed25519_private(seed), {}};
}

json::Object Key::public_jwk() const {
  json::Object out = material_->required_members();
  if (symmetric()) out.erase("k");
  out["kid"] = kid_;
  out["use"] = "sig";
  out["alg"] = to_string(algorithm());
  return out;
}

json::Object Key::private_jwk() const {
  json::Object out = public_jwk();
  for (const auto& member : material_->private_members()) out[member.key()] = member.value();
  return out;
}

Key Key::with_kid(std::string kid) const { return Key{material_, std::move(kid)}; }

Key Key::public_part() const {
  if (symmetric() || !can_sign()) return *this;
  const auto x = base64url_decode(json::get_string(material_->required_members(), "x").value_or(""));
  return Key{make_ed25519_public(x.value_or("")), kid_};
}

} // namespace foyer::jose

// The policy on JWKs: a key's members are accepted only if all of them are
// consistent (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, RFC 8725 §3.1). Unknown
// members, and those that point elsewhere (x5u, x5c), are ignored.
#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "jose/jwk.h"
#include "jose/material.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kMaxKidBytes = 256;
constexpr std::size_t kMaxKeyOps = 16;

std::unexpected<Refusal> unreadable(std::string_view field, std::string what) {
  return refuse_field(Cause::KEY_UNREADABLE, std::string{field}, "a JWK " + std::move(what));
}

// A member that is a string, if it is present.
Result<std::optional<std::string_view>> text_member(const json::Object& jwk, std::string_view name) {
  const auto* member = jwk.if_contains(name);
  if (member == nullptr) return std::optional<std::string_view>{};
  if (!member->is_string()) return unreadable(name, "whose " + std::string{name} + " is not a string");
  return std::optional<std::string_view>{member->get_string()};
}

Result<std::string> bytes_member(const json::Object& jwk, std::string_view name) {
  TRY(text, text_member(jwk, name));
  if (!text) return unreadable(name, "without the member " + std::string{name});
  auto bytes = base64url_decode(*text);
  if (!bytes) return unreadable(name, "whose " + std::string{name} + " is not base64url in its canonical form");
  if (bytes->empty()) return unreadable(name, "whose " + std::string{name} + " is empty");
  return std::move(*bytes);
}

// Base64urlUInt (RFC 7518 §2): the shortest form.
Result<std::string> number_member(const json::Object& jwk, std::string_view name) {
  TRY(bytes, bytes_member(jwk, name));
  if (bytes.front() == '\0') return unreadable(name, "whose " + std::string{name} + " begins with a zero octet");
  return bytes;
}

struct Uses {
  bool sign = true;
  bool verify = true;
};

Result<Uses> read_uses(const json::Object& jwk) {
  TRY(use, text_member(jwk, "use"));
  if (use && *use != "sig") return unreadable("use", "whose use is not sig");
  const auto* ops = jwk.if_contains("key_ops");
  if (ops == nullptr) return Uses{};
  if (!ops->is_array() || ops->get_array().size() > kMaxKeyOps)
    return unreadable("key_ops", "whose key_ops is not a short array");
  Uses uses{.sign = false, .verify = false};
  bool others = false;
  std::vector<std::string_view> seen;
  for (const auto& item : ops->get_array()) {
    if (!item.is_string()) return unreadable("key_ops", "whose key_ops are not strings");
    const std::string_view op{item.get_string()};
    if (std::ranges::find(seen, op) != seen.end())
      return unreadable("key_ops", "whose key_ops name an operation twice");
    seen.push_back(op);
    uses.sign = uses.sign || op == "sign";
    uses.verify = uses.verify || op == "verify";
    others = others || (op != "sign" && op != "verify");
  }
  if (!uses.sign && !uses.verify) return unreadable("key_ops", "whose key_ops are not sign or verify");
  if (others) return unreadable("key_ops", "whose key_ops are for signatures and for something else (RFC 7517 §4.3)");
  return uses;
}

Result<std::optional<Algorithm>> read_alg(const json::Object& jwk) {
  TRY(name, text_member(jwk, "alg"));
  if (!name) return std::optional<Algorithm>{};
  const auto algorithm = find_algorithm(*name);
  if (!algorithm)
    return unreadable("alg", "whose alg, " + printable(*name, 32) + ", is not a known signature algorithm");
  return algorithm;
}

Result<std::string> read_kid(const json::Object& jwk) {
  TRY(kid, text_member(jwk, "kid"));
  if (!kid) return std::string{};
  if (kid->empty() || kid->size() > kMaxKidBytes) return unreadable("kid", "whose kid is not 1 to 256 bytes");
  return std::string{*kid};
}

Result<Material> read_oct(const json::Object& jwk) {
  TRY(secret, bytes_member(jwk, "k"));
  return make_hmac(std::move(secret));
}

Result<Material> read_rsa(const json::Object& jwk) {
  struct Member {
    std::string_view name;
    std::string RsaNumbers::* number;
  };
  constexpr std::array<Member, 6> kPrivate{{{"d", &RsaNumbers::d}, {"p", &RsaNumbers::p}, {"q", &RsaNumbers::q},
      {"dp", &RsaNumbers::dp}, {"dq", &RsaNumbers::dq}, {"qi", &RsaNumbers::qi}}};
  if (jwk.contains("oth")) return unreadable("oth", "of an RSA key with more than two primes");
  RsaNumbers numbers;
  TRY(n, number_member(jwk, "n"));
  TRY(e, number_member(jwk, "e"));
  numbers.n = std::move(n);
  numbers.e = std::move(e);
  // A private key must have all of its numbers: d alone is slow to sign with and cannot be checked.
  if (std::ranges::any_of(kPrivate, [&](const Member& member) { return jwk.contains(member.name); })) {
    for (const auto& member : kPrivate) {
      TRY(bytes, number_member(jwk, member.name));
      numbers.*member.number = std::move(bytes);
    }
  }
  return make_rsa(numbers);
}

Result<Material> read_ec(const json::Object& jwk) {
  TRY(crv, text_member(jwk, "crv"));
  const auto curve = crv ? find_curve(*crv) : std::nullopt;
  if (!curve) return unreadable("crv", "of kty EC whose crv is not P-256, P-384 or P-521");
  TRY(x, bytes_member(jwk, "x"));
  TRY(y, bytes_member(jwk, "y"));
  if (!jwk.contains("d")) return make_ec(*curve, x, y, {});
  TRY(d, bytes_member(jwk, "d"));
  return make_ec(*curve, x, y, d);
}

Result<Material> read_okp(const json::Object& jwk) {
  TRY(crv, text_member(jwk, "crv"));
  if (crv != "Ed25519") return unreadable("crv", "of kty OKP whose crv is not Ed25519");
  TRY(x, bytes_member(jwk, "x"));
  TRY(material, make_ed25519_public(x));
  if (!jwk.contains("d")) return material;
  TRY(seed, bytes_member(jwk, "d"));
  TRY(pair, make_ed25519_private(seed));
  if (pair->required_members() != material->required_members())
    return unreadable("d", "of an Ed25519 key whose d and x do not match");
  return pair;
}

} // namespace

Result<ReadJwk> read_jwk(const json::Object& jwk) {
  TRY(kty, text_member(jwk, "kty"));
  if (!kty) return unreadable("kty", "without kty");
  TRY(uses, read_uses(jwk));
  TRY(kid, read_kid(jwk));
  TRY(alg, read_alg(jwk));
  Result<Material> material = unreadable("kty", "of kty " + printable(*kty, 16) + "; oct, RSA, EC and OKP are known");
  if (*kty == "oct")
    material = read_oct(jwk);
  else if (*kty == "RSA")
    material = read_rsa(jwk);
  else if (*kty == "EC")
    material = read_ec(jwk);
  else if (*kty == "OKP")
    material = read_okp(jwk);
  if (!material) return std::unexpected(std::move(material).error());
  if (alg && !(*material)->fits(*alg)) {
    if (*kty == "oct" && family_of(*alg) == Family::hmac)
      return refuse_field(Cause::WEAK_SECRET, "k",
          "a secret shorter than the " + std::to_string(min_secret_bytes(*alg)) + " bytes that " +
              std::string{to_string(*alg)} + " needs");
    return unreadable("alg",
        "whose alg, " + std::string{to_string(*alg)} + ", does not fit its kty" + (*kty == "EC" ? " and crv" : ""));
  }
  if (!(*material)->has_private() && !uses.verify)
    return unreadable("key_ops", "of a public key whose key_ops do not include verify");
  return ReadJwk{.material = std::move(*material),
      .kid = std::move(kid),
      .alg = alg,
      .may_sign = uses.sign,
      .may_verify = uses.verify};
}

bool says_another_use(const json::Object& jwk) {
  if (const auto use = json::get_string(jwk, "use"); use && *use != "sig") return true;
  if (const auto alg = json::get_string(jwk, "alg"); alg && is_encryption_algorithm(*alg)) return true;
  const auto* ops = jwk.if_contains("key_ops");
  if (ops == nullptr || !ops->is_array()) return false;
  return std::ranges::none_of(ops->get_array(), [](const json::Value& op) {
    return op.is_string() && (op.get_string() == "verify" || op.get_string() == "sign");
  });
}

bool is_known_signature_key(const json::Object& jwk) {
  const auto kty = json::get_string(jwk, "kty");
  const auto crv = json::get_string(jwk, "crv");
  const bool kind =
      kty == "oct" || kty == "RSA" || (kty == "EC" && crv && find_curve(*crv)) || (kty == "OKP" && crv == "Ed25519");
  return kind && !says_another_use(jwk);
}

} // namespace foyer::jose

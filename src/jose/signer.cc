#include "jose/signer.h"

#include "jose/jws.h"

namespace foyer::jose {

Result<Signer> Signer::make(Key key) {
  if (!key.has_private())
    return refuse(Cause::KEY_UNREADABLE, "a public key instead of a private key, which is needed to sign");
  if (!key.can_sign())
    return refuse_field(Cause::KEY_UNREADABLE, "key_ops", "a private key whose key_ops do not include sign");
  return Signer{key.pinned()};
}

std::string Signer::sign(const json::Object& claims, std::string_view typ) const {
  return sign_compact(key_, typ, json::write(claims));
}

std::string Signer::access_token(const AccessClaims& claims) const {
  return sign_compact(key_, "at+jwt", write_claims(claims));
}

std::string write_claims(const AccessClaims& claims) {
  std::string out = "{\"iss\":";
  json::append_string(out, claims.issuer);
  const auto text = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out.append(",\"").append(name).append("\":");
    json::append_string(out, value);
  };
  const auto time = [&out](std::string_view name, WallTime value) {
    out.append(",\"").append(name).append("\":").append(std::to_string(unix_seconds(value)));
  };
  text("aud", claims.audience);
  text("sub", claims.subject.view());
  time("exp", claims.expires_at);
  time("iat", claims.issued_at);
  text("jti", claims.token.view());
  text("client_id", claims.client_id);
  text("sid", claims.session.view());
  text("name", claims.name);
  text("scope", to_scope(claims.permissions));
  text("env", claims.environment);
  out += '}';
  return out;
}

} // namespace foyer::jose

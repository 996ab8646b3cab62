#include "jose/jws.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/http.h"
#include "jose/fields.h"
#include "jose/segment.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kMaxHeaderMember = 1024;

std::unexpected<Refusal> bad_form(std::string_view what, std::string field = {}) {
  return refuse_field(Cause::INVALID_FORMAT, std::move(field), std::string{what});
}

bool is_token_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// Describes a text that is not three segments of base64url.
std::unexpected<Refusal> diagnose(std::string_view token) {
  if (token.find_first_of("{}\"[]") != std::string_view::npos)
    return bad_form("a token with braces or quotes; the JSON serialisation is not read");
  if (token.find('=') != std::string_view::npos) return bad_form("base64 padding in a token");
  if (token.find_first_of("+/") != std::string_view::npos)
    return bad_form("the plain base64 alphabet in a token instead of base64url");
  if (!std::ranges::all_of(token, is_token_character))
    return bad_form("white space or other characters that are not allowed in a token");
  const auto segments = std::ranges::count(token, '.') + 1;
  if (segments == 5) return bad_form("five segments: an encrypted token (JWE) instead of a signed one");
  if (segments != 3) return bad_form(std::to_string(segments) + " segments; a token has three");
  if (token.starts_with('.') || token.ends_with('.') || token.find("..") != std::string_view::npos)
    return bad_form("an empty segment");
  return bad_form("a segment that is not base64url in its canonical form");
}

// crit (RFC 7515 §4.1.11) names extensions that must be understood. None is supported, b64 of
// RFC 7797 least of all: a token is never unencoded (§7 there). So each form is refused,
// malformed ones with their fault.
std::unexpected<Refusal> refuse_crit(const Fields& fields, const Field& crit) {
  constexpr std::string_view kStandard[] = {
      "alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "enc", "zip"};
  if (crit.kind != Field::Kind::strings) return bad_form("a header whose crit is not an array of strings", "crit");
  if (crit.count == 0) return bad_form("a header whose crit is empty", "crit");
  for (std::size_t i = 0; i < crit.count; ++i) {
    const auto name = fields.item(crit, i);
    for (std::size_t j = 0; j < i; ++j)
      if (fields.item(crit, j) == name) return bad_form("a header whose crit names one extension twice", "crit");
    if (std::ranges::find(kStandard, name) != std::end(kStandard))
      return bad_form("a header whose crit names a member that is not an extension", "crit");
    if (fields.find(name) == nullptr)
      return bad_form("a header whose crit names a member that it does not have", "crit");
  }
  return bad_form("a header with crit; no extension is supported", "crit");
}

Result<JwsHeader> read_header(std::string json) {
  thread_local Fields fields;
  if (const auto read = fields.parse(json); !read) return bad_form("a header that is " + std::string{read.error()});
  if (const Field* crit = fields.find("crit")) return refuse_crit(fields, *crit);
  if (fields.find("enc") != nullptr) return bad_form("the header of an encrypted token", "enc");
  if (fields.find("zip") != nullptr) return bad_form("the header of a compressed token", "zip");
  if (const Field* b64 = fields.find("b64"); b64 != nullptr && !(b64->kind == Field::Kind::boolean && b64->flag))
    return bad_form("a header whose b64 is not true: the payload would not be encoded", "b64");
  const auto text = [](const char* name, std::optional<std::string>& out) -> Result<bool> {
    const Field* field = fields.find(name);
    if (field == nullptr) return true;
    if (field->kind != Field::Kind::string)
      return bad_form("a header whose " + std::string{name} + " is " + std::string{to_string(field->kind)}, name);
    if (field->text.size() > kMaxHeaderMember)
      return bad_form("a header whose " + std::string{name} + " is longer than 1024 bytes", name);
    out = std::string{field->text};
    return true;
  };
  JwsHeader header;
  std::optional<std::string> alg;
  TRY_VOID(text("alg", alg));
  TRY_VOID(text("kid", header.kid));
  TRY_VOID(text("typ", header.typ));
  if (!alg) return bad_form("a header without alg", "alg");
  header.alg = std::move(*alg);
  header.json = std::move(json);
  return header;
}

// The header that this thread read last: the headers of one issuer are all the same,
// and the same text has the same contents.
struct SeenHeader {
  std::string text;
  JwsHeader header;
};

} // namespace

Result<Jws> parse_compact(std::string_view token, std::size_t max_bytes) {
  if (token.empty()) return bad_form("an empty token");
  if (token.size() > max_bytes)
    return bad_form(std::to_string(token.size()) + " bytes; at most " + std::to_string(max_bytes) + " are read");
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string_view::npos || first == last) return diagnose(token);
  const auto header_text = token.substr(0, first);
  const auto payload_text = token.substr(first + 1, last - first - 1);
  const auto signature_text = token.substr(last + 1);
  if (header_text.empty()) return diagnose(token); // an empty payload can be signed; it contains no claims

  Jws jws;
  if (!decode_segment(payload_text, jws.payload) || !decode_segment(signature_text, jws.signature))
    return diagnose(token);
  thread_local SeenHeader seen;
  if (seen.text != header_text) {
    std::string json;
    if (!decode_segment(header_text, json)) return diagnose(token);
    TRY(header, read_header(std::move(json)));
    seen.text.clear(); // never leave the old text with the new header
    seen.header = std::move(header);
    seen.text = header_text;
  }
  jws.header = seen.header;
  // An unsigned token is refused for its algorithm, even if a signature follows.
  if (signature_text.empty() && !iequals(jws.header.alg, "none")) return diagnose(token);
  jws.signing_input = token.substr(0, last);
  return jws;
}

Result<const Key*> verify_signature(const Jws& jws, const KeySet& keys) {
  std::optional<std::string_view> kid;
  if (jws.header.kid) kid = *jws.header.kid;
  TRY(key, keys.select(jws.header.alg, kid));
  if (!key->verify(*find_algorithm(jws.header.alg), jws.signing_input, jws.signature))
    return refuse(Cause::SIGNATURE_INVALID, "alg " + jws.header.alg + ", key " + printable(key->kid(), 64));
  return key;
}

std::string sign_compact(const Key& key, std::string_view typ, std::string_view payload) {
  std::string header = "{\"alg\":";
  json::append_string(header, to_string(key.algorithm()));
  if (!typ.empty()) {
    header += ",\"typ\":";
    json::append_string(header, typ);
  }
  header += ",\"kid\":";
  json::append_string(header, key.kid());
  header += '}';
  std::string token = base64url_encode(header);
  token += '.';
  token += base64url_encode(payload);
  const std::string signature = key.sign(token);
  token += '.';
  token += base64url_encode(signature);
  return token;
}

bool same_type(std::string_view typ, std::string_view wanted) {
  constexpr std::string_view kPrefix = "application/";
  const auto bare = [&](std::string_view text) {
    if (text.size() <= kPrefix.size() || !iequals(text.substr(0, kPrefix.size()), kPrefix)) return text;
    const auto rest = text.substr(kPrefix.size());
    return rest.find('/') == std::string_view::npos
        ? rest
        : text; // application/ may be omitted only before a name without a slash
  };
  return iequals(bare(typ), bare(wanted));
}

} // namespace foyer::jose

#include "config/issuer_keys.h"

#include <algorithm>

#include "base/json.h"
#include "config/secrets.h"

namespace foyer::config {
namespace {

bool is_jwk(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && text[start] == '{';
}

Result<std::vector<jose::Key>> read_keys(std::string_view text) {
  const auto value = json::parse(text);
  if (value && value->is_object() && value->get_object().contains("keys")) {
    TRY(set, jose::KeySet::parse(text));
    return set->keys();
  }
  TRY(key, jose::Key::parse_any(text));
  return std::vector<jose::Key>{std::move(key)};
}

} // namespace

std::vector<jose::Algorithm> algorithms_of(const auth::TrustedIssuer& issuer) {
  std::vector<jose::Algorithm> out;
  for (const auto& name : issuer.algorithms)
    if (const auto found = jose::find_algorithm(name)) out.push_back(*found);
  return out;
}

Result<jose::Key> secret_in(const auth::TrustedIssuer& issuer, std::string_view file) {
  const auto algorithms = algorithms_of(issuer);
  if (algorithms.size() > 1 || (algorithms.size() == 1 && jose::family_of(algorithms.front()) != jose::Family::hmac))
    return refuse_field(Cause::CONFLICTING_KEYS, "algorithms",
        "a shared secret is for one of HS256, HS384 and HS512, and algorithms names something else");
  if (file.find("-----BEGIN") != std::string_view::npos)
    return refuse_field(Cause::KEY_UNREADABLE, "secret_file",
        "a PEM block in place of a shared secret; a public key belongs into public_key_file");
  if (!is_jwk(file))
    return jose::Key::from_secret(
        without_line_end(file), algorithms.empty() ? jose::Algorithm::hs256 : algorithms.front());
  TRY(key, jose::Key::parse_jwk(file));
  if (!key.symmetric()) return refuse_field(Cause::KEY_UNREADABLE, "secret_file", "a JWK that is not a shared secret");
  return algorithms.empty() ? Result<jose::Key>{key.pinned()} : key.with_algorithm(algorithms.front());
}

Result<std::shared_ptr<const jose::KeySet>> public_keys_in(const auth::TrustedIssuer& issuer, std::string_view file) {
  TRY(keys, read_keys(file));
  for (const auto& key : keys) {
    if (key.symmetric())
      return refuse_field(Cause::KEY_UNREADABLE, "public_key_file", "a shared secret in place of a public key");
    if (key.has_private())
      return refuse_field(
          Cause::KEY_UNREADABLE, "public_key_file", "a private key; this server needs only its public part");
  }
  TRY(set, jose::KeySet::of(std::move(keys)));
  return jose::KeySet::restricted(set, algorithms_of(issuer));
}

Result<std::shared_ptr<const jose::KeySet>> keys_in_file(const auth::TrustedIssuer& issuer, const ReadFile& read) {
  const std::string& path = issuer.secret_file.empty() ? issuer.public_key_file : issuer.secret_file;
  if (path.empty()) return std::shared_ptr<const jose::KeySet>{};
  const auto file = read(path);
  if (!file) return refuse(Cause::FILE_UNREADABLE, "the file " + file.error());
  if (issuer.secret_file.empty()) return public_keys_in(issuer, file->bytes);
  TRY(key, secret_in(issuer, file->bytes));
  return jose::KeySet::of(std::move(key));
}

} // namespace foyer::config

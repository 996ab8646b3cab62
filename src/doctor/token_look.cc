#include "doctor/token_look.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "doctor/lower.h"

namespace foyer::doctor {
namespace {

TokenLook defective(TokenLook::Form form, std::string defect) { return {.form = form, .defect = std::move(defect)}; }

std::optional<json::Object> object_in(std::string_view segment) {
  const auto bytes = base64url_decode(segment);
  if (!bytes) return std::nullopt;
  auto value = json::parse(*bytes);
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(value->get_object());
}

// NumericDate may have a fraction (RFC 7519 §2).
std::optional<WallTime> time_in(const json::Object& object, std::string_view name) {
  const json::Value* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto seconds = value->to_number<double>();
  if (!(seconds > 0 && seconds < 1e11)) return std::nullopt;
  return from_unix_seconds(static_cast<std::int64_t>(seconds));
}

std::string claims_of(const json::Object& header, const json::Object& payload) {
  std::vector<std::string> out;
  const auto add = [&out](std::string_view label, const json::Object& object, std::string_view name) {
    const json::Value* value = object.if_contains(name);
    if (value == nullptr) return;
    out.push_back(fmt::format("{} {}", label,
        printable(
            value->is_string() ? std::string_view{value->get_string()} : std::string_view{json::write(*value)}, 96)));
  };
  add("alg", header, "alg");
  add("kid", header, "kid");
  add("typ", header, "typ");
  add("issuer", payload, "iss");
  add("audience", payload, "aud");
  return fmt::format("{}", fmt::join(out, ", "));
}

// The marks of a value that was copied with what stood around it.
std::string wrapping_of(std::string_view token) {
  if (token.starts_with('"') || token.starts_with('\'')) return "it begins with a quotation mark";
  if (token.ends_with('"') || token.ends_with('\'')) return "it ends with a quotation mark";
  if (lower(token).starts_with("bearer")) return "it begins with `Bearer`, which is added anyway";
  if (lower(token).find("%2e") != std::string::npos) return "its dots are percent-encoded";
  if (token.starts_with('{')) return "it is JSON that may contain the token";
  return {};
}

} // namespace

TokenLook look_at_token(std::string_view token) {
  using Form = TokenLook::Form;
  if (auto wrapping = wrapping_of(token); !wrapping.empty()) return defective(Form::wrapped, std::move(wrapping));
  const auto dots = std::ranges::count(token, '.');
  if (dots == 4) return defective(Form::encrypted, "5 segments: an encrypted token (JWE)");
  const bool meant = token.starts_with("eyJ"); // {" in base64url
  if (dots == 0 && !meant) return {};
  if (dots != 2)
    return meant
        ? defective(Form::broken, fmt::format("2 dots expected, {} found: cut off, or joined with another", dots))
        : TokenLook{};
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  const auto header = object_in(token.substr(0, first));
  const auto payload = object_in(token.substr(first + 1, second - first - 1));
  if (!header) return meant ? defective(Form::broken, "its header is not base64url of JSON") : TokenLook{};
  if (!payload) return defective(Form::broken, "its payload is not base64url of JSON");
  if (second + 1 == token.size()) return defective(Form::broken, "its signature is missing");
  TokenLook out{.form = Form::jwt};
  out.claims = claims_of(*header, *payload);
  out.expires = time_in(*payload, "exp");
  out.begins = time_in(*payload, "nbf");
  return out;
}

} // namespace foyer::doctor

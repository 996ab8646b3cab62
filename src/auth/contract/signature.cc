#include "auth/contract/signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/words.h"

namespace foyer::auth {
namespace {

constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kMaxAddressBytes = 64;
constexpr std::size_t kMaxRefBytes = 64;
constexpr std::size_t kMaxOriginBytes = 272; // https://, a host of 255, a port

bool is_nonce(std::string_view text) {
  return text.size() >= 16 && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// The single value of a header, or the reason why it cannot be used.
Result<std::string> only(const Request& request, std::string_view name, std::size_t longest, bool required) {
  const auto count = request.headers.count(name);
  if (count == 0 && !required) return std::string{};
  if (count == 0)
    return refuse_field(
        Cause::SERVICE_CREDENTIALS_MISSING, std::string(name), fmt::format("the request has no {} header", name));
  if (count > 1)
    return refuse_field(Cause::SERVICE_CREDENTIALS_MISSING, std::string(name),
        fmt::format("the request has {} {} headers", count, name));
  const std::string& value = *request.headers.find(name);
  if ((required && value.empty()) || value.size() > longest)
    return refuse_field(Cause::SERVICE_CREDENTIALS_MISSING, std::string(name),
        fmt::format("{} has {}; 1 to {} are allowed", name, counted(value.size(), "byte"), longest));
  return value;
}

std::string target_of(const Request& request) {
  return request.query.empty() ? request.path : request.path + '?' + request.query;
}

} // namespace

std::string service_key(std::string_view secret) { return hmac_sha256(secret, "foyer-service-v1"); }

std::string sign(std::string_view key, const SignedParts& parts) {
  const std::string lines = fmt::format("foyer-request-v1\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", parts.method,
      parts.target, hex_encode(sha256(parts.body)), parts.time_ms, parts.nonce, parts.service, parts.address, parts.ref,
      parts.origin);
  return "v1=" + base64url_encode(hmac_sha256(key, lines));
}

std::string sign_answer(
    std::string_view key, std::string_view service, std::string_view nonce, int status, std::string_view body) {
  return "v1=" +
      base64url_encode(hmac_sha256(
          key, fmt::format("foyer-answer-v1\n{}\n{}\n{}\n{}", service, nonce, status, hex_encode(sha256(body)))));
}

bool answer_signed(const Response& answer, const ServiceIdentity& identity, std::string_view nonce) {
  const std::string right = sign_answer(identity.key(), identity.id(), nonce, answer.status, answer.body);
  const std::string* brought =
      answer.headers.count(kAnswerSignatureHeader) == 1 ? answer.headers.find(kAnswerSignatureHeader) : nullptr;
  return brought != nullptr && constant_time_equal(right, *brought);
}

std::string ServiceIdentity::sign(Headers& headers, std::string_view method, std::string_view target,
    std::string_view body, OnBehalf who, WallTime now, Entropy& entropy) const {
  std::string nonce = entropy.short_id();
  const SignedParts parts{.method = method,
      .target = target,
      .body = body,
      .service = id_,
      .time_ms = unix_millis(now),
      .nonce = nonce,
      .address = who.address,
      .ref = who.ref,
      .origin = who.origin};
  headers.set(kServiceIdHeader, id_);
  headers.set(kServiceTimeHeader, std::to_string(parts.time_ms));
  headers.set(kServiceNonceHeader, nonce);
  headers.set(kServiceSignatureHeader, auth::sign(key_, parts));
  if (!who.address.empty()) headers.set(kClientAddressHeader, std::string(who.address));
  if (!who.ref.empty()) headers.set(kClientRefHeader, std::string(who.ref));
  if (!who.origin.empty()) headers.set(kClientOriginHeader, std::string(who.origin));
  return nonce;
}

Result<ClaimedService> read_claim(const Request& request) {
  ClaimedService claim;
  TRY(id, only(request, kServiceIdHeader, kMaxIdBytes, true));
  TRY(time, only(request, kServiceTimeHeader, 20, true));
  TRY(nonce, only(request, kServiceNonceHeader, 64, true));
  TRY(signature, only(request, kServiceSignatureHeader, 128, true));
  TRY(address, only(request, kClientAddressHeader, kMaxAddressBytes, false));
  TRY(ref, only(request, kClientRefHeader, kMaxRefBytes, false));
  TRY(origin, only(request, kClientOriginHeader, kMaxOriginBytes, false));
  const auto read = std::from_chars(time.data(), time.data() + time.size(), claim.time_ms);
  if (read.ec != std::errc{} || read.ptr != time.data() + time.size() || claim.time_ms < 0)
    return refuse_field(Cause::SERVICE_CREDENTIALS_MISSING, std::string(kServiceTimeHeader),
        "the time of the request is not a number of milliseconds");
  if (!is_nonce(nonce))
    return refuse_field(Cause::SERVICE_CREDENTIALS_MISSING, std::string(kServiceNonceHeader),
        "the nonce is not 16 to 64 of A-Z a-z 0-9 _ -");
  claim.id = std::move(id);
  claim.nonce = std::move(nonce);
  claim.signature = std::move(signature);
  claim.address = std::move(address);
  claim.ref = std::move(ref);
  claim.origin = std::move(origin);
  return claim;
}

bool signed_with(const Request& request, const ClaimedService& claim, std::string_view key) {
  const std::string target = target_of(request);
  const std::string right = sign(key,
      {.method = request.method,
          .target = target,
          .body = request.body,
          .service = claim.id,
          .time_ms = claim.time_ms,
          .nonce = claim.nonce,
          .address = claim.address,
          .ref = claim.ref,
          .origin = claim.origin});
  return constant_time_equal(right, claim.signature);
}

} // namespace foyer::auth

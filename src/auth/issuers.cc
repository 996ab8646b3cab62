#include "auth/issuers.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace foyer::auth {
namespace {

constexpr int kMaxDepth = 16;

Counter& tokens(Metrics& metrics, const std::string& issuer, const char* outcome) {
  return metrics.counter("foyer_issuer_tokens_total", "Access tokens of trusted issuers, verified in this process.",
      {{"issuer", issuer}, {"outcome", outcome}});
}

} // namespace

Result<json::Object> claims_of(const jose::Jws& jws) {
  auto value = json::parse(jws.payload, {.bytes = jws.payload.size(), .depth = kMaxDepth});
  if (!value) return refuse(Cause::INVALID_FORMAT, "claims that are not JSON: " + value.error());
  if (!value->is_object()) return refuse(Cause::INVALID_FORMAT, "claims that are not a JSON object");
  return std::move(value->get_object());
}

std::string unverified_issuer(std::string_view token, std::size_t max_bytes) {
  const auto jws = jose::parse_compact(token, max_bytes);
  if (!jws) return {};
  const auto claims = claims_of(*jws);
  return claims ? std::string(json::get_string(*claims, "iss").value_or("")) : std::string{};
}

Issuers::Issuers(const LocalVerifier* own, std::string own_issuer, std::vector<std::unique_ptr<IssuerVerifier>> trusted,
    std::size_t max_bytes, Metrics& metrics)
    : own_(own),
      own_issuer_(std::move(own_issuer)),
      trusted_(std::move(trusted)),
      unknown_(
          metrics.counter("foyer_issuer_unknown_total", "Access tokens whose iss is not one of the issuers here.")),
      max_bytes_(max_bytes) {
  for (const auto& each : trusted_) {
    const std::string& name = each->issuer().name;
    counters_.push_back({.accepted = tokens(metrics, name, "accepted"),
        .refused = tokens(metrics, name, "refused"),
        .leeway_used = metrics.counter(
            "foyer_token_leeway_used_total", "Tokens that were accepted only because of the clock leeway.")});
  }
}

Result<Identity> Issuers::verify(std::string_view token, WallTime now) const {
  if (trusted_.empty() && own_ != nullptr) return own_->verify(token, now);
  TRY(jws, jose::parse_compact(token, max_bytes_));
  TRY(claims, claims_of(jws));
  const auto iss = json::get_string(claims, "iss");
  if (iss && own_ != nullptr && *iss == own_issuer_) {
    TRY(own, own_->verify(token, now));
    TRY_VOID(not_of_another_issuer(own.user));
    return own;
  }
  TRY(accepted, judged(jws, claims, now, jose::TokenUse::access));
  return std::move(accepted.identity);
}

Result<RoomToken> Issuers::verify_room(std::string_view token, WallTime now) const {
  if (trusted_.empty() && own_ != nullptr) return own_->verify_room(token, now);
  TRY(jws, jose::parse_compact(token, max_bytes_));
  TRY(claims, claims_of(jws));
  const auto iss = json::get_string(claims, "iss");
  if (iss && own_ != nullptr && *iss == own_issuer_) {
    TRY(own, own_->verify_room(token, now));
    TRY_VOID(not_of_another_issuer(own.identity.user));
    return own;
  }
  TRY(accepted, judged(jws, claims, now, jose::TokenUse::room));
  return RoomToken{.identity = std::move(accepted.identity), .room = std::move(accepted.room)};
}

Result<ForeignClaims> Issuers::judged(
    const jose::Jws& jws, const json::Object& claims, WallTime now, jose::TokenUse use) const {
  const auto iss = json::get_string(claims, "iss");
  const std::size_t index = iss ? index_of(*iss) : trusted_.size();
  if (index == trusted_.size()) {
    unknown_.add();
    return std::unexpected(unknown(claims));
  }
  Judged judged = trusted_[index]->judge(jws, claims, now, use);
  const Counters& count = counters_[index];
  if (judged.refusal) {
    count.refused.add();
    return std::unexpected(std::move(*judged.refusal));
  }
  count.accepted.add();
  if (judged.accepted->leeway_used) count.leeway_used.add();
  return std::move(*judged.accepted);
}

// Whoever signs our own tokens claims no user of another issuer either.
Result<void> Issuers::not_of_another_issuer(const UserId& user) const {
  for (const auto& each : trusted_) {
    const std::string& prefix = each->issuer().user_prefix;
    if (!prefix.empty() && user.view().starts_with(prefix))
      return refuse_field(
          Cause::CLAIM_MISSING, "sub", "sub begins with the user_prefix of issuer " + each->issuer().name);
  }
  return {};
}

IssuerVerifier* Issuers::named_by(std::string_view token) const {
  const std::size_t index = index_of(unverified_issuer(token, max_bytes_));
  return index == trusted_.size() ? nullptr : trusted_[index].get();
}

std::size_t Issuers::index_of(std::string_view iss) const {
  std::size_t i = 0;
  while (i < trusted_.size() && trusted_[i]->issuer().issuer != iss) ++i;
  return i;
}

Refusal Issuers::unknown(const json::Object& claims) const {
  const auto* iss = claims.if_contains("iss");
  if (iss == nullptr)
    return {.cause = Cause::CLAIM_MISSING, .evidence = "iss is absent, so no issuer can be chosen", .field = "iss"};
  if (!iss->is_string())
    return {
        .cause = Cause::CLAIM_MISSING, .evidence = "iss is not a string, so no issuer can be chosen", .field = "iss"};
  std::string known = own_ == nullptr ? std::string{} : own_issuer_;
  for (const auto& each : trusted_) known += (known.empty() ? "" : " or ") + each->issuer().issuer;
  return {.cause = Cause::ISSUER_MISMATCH,
      .evidence = fmt::format("iss {}; expected {}", printable(std::string_view(iss->get_string()), 128), known),
      .field = "iss"};
}

} // namespace foyer::auth

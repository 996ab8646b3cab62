// A token that a server refuses without saying why: what the token itself shows.
#include <fmt/format.h>

#include "doctor/judge.h"

namespace foyer::doctor {
namespace {

std::optional<Finding> defect_of(const TokenLook& look, WallTime server_now) {
  switch (look.form) {
    case TokenLook::Form::wrapped: return Finding::TOKEN_HAS_PREFIX;
    case TokenLook::Form::broken: return Finding::TOKEN_MALFORMED;
    case TokenLook::Form::encrypted: return Finding::TOKEN_ENCRYPTED;
    case TokenLook::Form::opaque: return std::nullopt;
    case TokenLook::Form::jwt: break;
  }
  if (look.expires && *look.expires <= server_now) return Finding::TOKEN_LOOKS_EXPIRED;
  if (look.begins && *look.begins > server_now) return Finding::TOKEN_LOOKS_EARLY;
  return std::nullopt;
}

} // namespace

Diagnosis judge_token(const Facts& facts, Confidence confidence, std::vector<std::string> seen) {
  if (!facts.token_look) return diagnosis(facts, Finding::TOKEN_REFUSED, confidence, std::move(seen));
  const TokenLook& look = *facts.token_look;
  const WallTime server_now = facts.now + facts.clock_difference().value_or(Millis{0});
  if (!look.claims.empty()) seen.push_back("the token: " + look.claims);
  const auto defect = defect_of(look, server_now);
  if (!defect) return diagnosis(facts, Finding::TOKEN_REFUSED, confidence, std::move(seen));
  if (!look.defect.empty()) seen.push_back("the token: " + look.defect);
  if (*defect == Finding::TOKEN_LOOKS_EXPIRED)
    seen.push_back(
        fmt::format("expired at {}; the server's clock says {}", rfc3339(*look.expires), rfc3339(server_now)));
  if (*defect == Finding::TOKEN_LOOKS_EARLY)
    seen.push_back(fmt::format("begins at {}; the server's clock says {}", rfc3339(*look.begins), rfc3339(server_now)));
  return diagnosis(facts, *defect, Confidence::likely, std::move(seen));
}

} // namespace foyer::doctor

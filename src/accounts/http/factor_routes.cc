#include "accounts/http/factor_routes.h"

namespace foyer::accounts {
namespace {

Completion<std::vector<std::string>> then_codes(const ExchangePtr& x) {
  return [x](Result<std::vector<std::string>> codes) {
    if (!codes) return x->refuse_with(codes.error());
    json::Array list;
    for (const auto& code : *codes) list.emplace_back(code);
    x->answer(200, json::Object{{"recovery_codes", std::move(list)}});
  };
}

void begin_factor(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  x->service().begin_second_factor(who, text_of(body, "password"), x->caller(), [x](Result<PendingFactor> pending) {
    if (!pending) return x->refuse_with(pending.error());
    x->answer(201,
        json::Object{{"secret", pending->secret}, {"uri", pending->uri},
            {"expires_in", std::chrono::floor<std::chrono::seconds>(pending->expires_in).count()}});
  });
}

void confirm_factor(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  x->service().confirm_second_factor(who, text_of(body, "totp"), x->caller(), then_codes(x));
}
void renew(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  x->service().renew_recovery_codes(who, text_of(body, "totp"), x->caller(), then_codes(x));
}
void remove_factor(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  x->service().remove_second_factor(who, text_of(body, "totp"), x->caller(), x->then_nothing());
}

} // namespace

void add_factor_routes(const RouteMaker& route, std::vector<Route>& out) {
  out.push_back(route("POST", "/auth/totp", with_bearer(begin_factor)));
  out.push_back(route("POST", "/auth/totp/confirm", with_bearer(confirm_factor)));
  out.push_back(route("POST", "/auth/totp/recovery", with_bearer(renew)));
  out.push_back(route("DELETE", "/auth/totp", with_bearer(remove_factor)));
}

} // namespace foyer::accounts

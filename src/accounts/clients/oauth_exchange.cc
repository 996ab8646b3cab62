#include "accounts/clients/oauth_exchange.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "jose/jws.h"

namespace foyer::accounts {

Caller OAuthExchange::caller() const {
  const std::string* device = request_.headers.find("user-agent");
  return {.address = request_.address, .device = device == nullptr ? std::string{} : *device, .ref = request_.ref};
}

void OAuthExchange::refuse_with(OAuthFault fault) {
  if (deps_->on_refusal) deps_->on_refusal(request_, fault.refusal);
  reply_(oauth_error(fault, policy().reveal));
}

AuditRow OAuthExchange::audit(std::string action, std::string_view outcome, std::string detail, UserId user) const {
  return {.at = deps_->clock.wall(),
      .action = std::move(action),
      .outcome = std::string{outcome},
      .user = std::move(user),
      .address = request_.address,
      .ref = request_.ref,
      .detail = std::move(detail)};
}

void OAuthExchange::write_audit(AuditRow row) const {
  std::vector<AuditRow> rows;
  rows.push_back(std::move(row));
  deps_->store.append_audit(std::move(rows), [&log = deps_->log](Result<bool> written) {
    if (!written) log.warning("audit_unwritten", written.error().operator_text(), {{"code", written.error().code()}});
  });
}

void OAuthExchange::begin(std::function<void()> then) {
  find_sender(
      &deps_->services, std::move(request_), [self = shared_from_this(), then = std::move(then)](Sender sender) {
    self->request_ = std::move(sender.request);
    const bool for_somebody = self->request_.headers.find(auth::kClientAddressHeader) != nullptr;
    if (sender.refused) {
      // The gateway's fault is not that of the client behind it.
      if (for_somebody)
        return self->refuse_with(OAuthFault{.error = "temporarily_unavailable", .refusal = std::move(*sender.refused)});
      return self->refuse_with(client_fault(std::move(*sender.refused), false));
    }
    if (sender.service && !for_somebody) self->signed_by_ = std::move(sender.service->service);
    if (auto taken = self->deps_->service.take(self->endpoint_, self->caller(), self->deps_->service.policy().rate);
        !taken)
      return self->refuse_with("temporarily_unavailable", taken.error());
    auto form = read_form(self->request_);
    if (!form) return self->refuse_with(form.error());
    self->form_ = std::move(*form);
    auto claim = read_client(self->request_, self->form_);
    if (!claim) return self->refuse_with(claim.error());
    self->find_client(std::move(*claim), then);
  });
}

void OAuthExchange::find_client(ClientClaim claim, std::function<void()> then) {
  basic_ = claim.by == ClientClaim::By::basic;
  if (claim.by == ClientClaim::By::nothing) {
    if (signed_by_) return take_client(std::move(*signed_by_), std::move(then));
    // An id without a secret means the public client that our users' tokens are issued to.
    if (!claim.id.empty() && claim.id != policy().client_id)
      return refuse_with("invalid_client",
          {.cause = Cause::SERVICE_CREDENTIALS_MISSING,
              .evidence = "client " + printable(claim.id, 64) + " sent no secret",
              .field = "client_id"});
    return then();
  }
  if (signed_by_)
    return refuse_with(
        "invalid_request", {.cause = Cause::AMBIGUOUS_CREDENTIALS, .evidence = "a signature and a client's secret"});
  auto taken = [self = shared_from_this(), then](const Result<ProvenService>& proven) {
    if (proven) return self->take_client(proven->service, then);
    const Refusal& refusal = proven.error();
    self->deps_->log.warning("service_refused", refusal.operator_text(),
        {{"code", refusal.code()}, {"path", self->request_.path}, {"address", self->request_.address},
            {"ref", self->request_.ref.view()}});
    self->write_audit(self->audit("service_login", refusal.code(), {}));
    self->refuse_with(client_fault(refusal, self->basic_));
  };
  auto& services = deps_->services;
  if (!claim.as_written)
    return services.authenticate_secret(std::move(claim.id), std::move(claim.secret), std::move(taken));
  services.authenticate_secret(std::move(claim.id), std::move(claim.secret),
      [&services, as_written = std::move(*claim.as_written), taken = std::move(taken)](
          Result<ProvenService> proven) mutable {
    const bool other = !proven &&
        (proven.error().cause == Cause::SERVICE_UNKNOWN || proven.error().cause == Cause::SERVICE_SECRET_REJECTED);
    if (!other) return taken(proven);
    services.authenticate_secret(std::move(as_written.first), std::move(as_written.second), std::move(taken));
  });
}

void OAuthExchange::take_client(Service service, std::function<void()> then) {
  client_ = std::move(service);
  then();
}

std::optional<KnownToken> read_token(const OAuthDeps& deps, std::string_view token) {
  const auto jws = jose::parse_compact(token);
  if (!jws) return std::nullopt;
  const auto claimed = json::parse(jws->payload, {.bytes = jose::kMaxTokenBytes, .depth = 8});
  if (!claimed || !claimed->is_object()) return std::nullopt;
  const WallTime now = deps.clock.wall();
  KnownToken out{.claims = {},
      .audience = std::string{json::get_string(claimed->as_object(), "aud").value_or("")},
      .of_service = jws->header.typ && jose::same_type(*jws->header.typ, kServiceTokenType)};
  const auto& policy = deps.service.policy();
  auto claims = out.of_service ? deps.tokens.verify(token, out.audience, now)
                               : jose::Verifier(deps.tokens.tools().keys(),
                                     {.issuer = policy.issuer,
                                         .audience = policy.audience,
                                         .token_types = policy.token_types,
                                         .environment = policy.environment,
                                         .require_environment_claim = policy.require_environment_claim,
                                         .own_accounts = true,
                                         .leeway = policy.leeway})
                                     .verify(token, now);
  // The leeway is for differing clocks; here an expired token is not active.
  if (!claims || claims->identity.expires_at <= now) return std::nullopt;
  out.claims = std::move(*claims);
  return out;
}

} // namespace foyer::accounts

// One request to /oauth2/*: its form, its client, its single answer. For oauth_routes
// and the files beside it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "accounts/clients/oauth.h"
#include "accounts/http/oauth_routes.h"
#include "base/json.h"
#include "jose/verifier.h"

namespace foyer::accounts {

class OAuthExchange : public std::enable_shared_from_this<OAuthExchange> {
 public:
  OAuthExchange(std::shared_ptr<OAuthDeps> deps, std::string endpoint, Request request, Reply reply)
      : deps_(std::move(deps)),
        endpoint_(std::move(endpoint)),
        request_(std::move(request)),
        reply_(std::move(reply)) {}

  // Reads the form and identifies the client; then calls `then`.
  void begin(std::function<void()> then);

  [[nodiscard]] OAuthDeps& deps() const { return *deps_; }
  [[nodiscard]] const AccountsPolicy& policy() const { return deps_->service.policy(); }
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const { return find(form_, name); }
  [[nodiscard]] Caller caller() const;
  // The authenticated service; null: a public client.
  [[nodiscard]] const Service* client() const { return client_ ? &*client_ : nullptr; }
  [[nodiscard]] bool may_call_us() const { return client_ && client_->may(deps_->services.own_id()); }

  void answer(int status, const json::Object& body) { reply_(oauth_answer(status, json::write(body))); }
  void answer_empty() {
    reply_(Response{.status = 200, .headers = {{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}}, .body = {}});
  }
  void refuse_with(OAuthFault fault);
  void refuse_with(std::string_view error, Refusal refusal) {
    refuse_with(fault_of(error, std::move(refusal), basic_));
  }
  [[nodiscard]] AuditRow audit(
      std::string action, std::string_view outcome, std::string detail, UserId user = {}) const;
  void write_audit(AuditRow row) const;

  // `then` on the control plane with the store's result; a refusal is passed on.
  template <class T, class Then>
  Completion<T> back(Then then) {
    return [self = shared_from_this(), then = std::move(then)](Result<T> result) mutable {
      self->deps_->service.run([self, then = std::move(then), result = std::move(result)]() mutable {
        if (!result) return self->refuse_with("temporarily_unavailable", std::move(result).error());
        then(std::move(*result));
      });
    };
  }

 private:
  void find_client(ClientClaim claim, std::function<void()> then);
  void take_client(Service service, std::function<void()> then);

  const std::shared_ptr<OAuthDeps> deps_;
  const std::string endpoint_;
  Request request_;
  Reply reply_;
  Form form_;
  bool basic_ = false;
  std::optional<Service> signed_by_; // for itself, not on behalf of a person
  std::optional<Service> client_;
};
using OAuthPtr = std::shared_ptr<OAuthExchange>;

// One of our access tokens for people, or a service's.
struct KnownToken {
  jose::Claims claims = {};
  std::string audience = {}; // as claimed
  bool of_service = false;
};
// Any fault of a token means that nobody may use it.
[[nodiscard]] std::optional<KnownToken> read_token(const OAuthDeps& deps, std::string_view token);

void introspect(const OAuthPtr& x);
void revoke(const OAuthPtr& x);

} // namespace foyer::accounts

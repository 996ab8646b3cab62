// One HTTP request to the accounts, from its arrival to its single answer. Shared by the
// routes of all files: the caller, problem+json, cookies, the Bearer token.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/clients/services.h"
#include "accounts/http/operations.h"
#include "accounts/http/request_body.h"
#include "accounts/http/routes.h"
#include "accounts/service.h"
#include "base/http.h"
#include "base/json.h"

namespace foyer::accounts {

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(AccountService& service, const Operation& operation, std::shared_ptr<const OnRefusal> on_refusal,
      Request request, Reply reply)
      : service_(service),
        operation_(operation),
        on_refusal_(std::move(on_refusal)),
        request_(std::move(request)),
        reply_(std::move(reply)) {}

  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] AccountService& service() const { return service_; }
  [[nodiscard]] Result<json::Object> body() const { return read_body(request_, operation_.body); }
  [[nodiscard]] Caller caller() const;

  // Over https, or treated like it: then the cookie is Secure and has the __Host- prefix.
  [[nodiscard]] wire::CookieScope cookie_scope() const {
    return {request_.secure || !service_.policy().insecure_cookies, service_.policy().base_path};
  }
  [[nodiscard]] Result<std::optional<std::string>> cookie() const; // AMBIGUOUS_CREDENTIALS
  void also_set_cookie(std::string value) { set_cookie_ = std::move(value); }
  void also_expire_cookie();

  // Exactly one of these, once. All of them send Cache-Control: no-store.
  void answer(int status, const json::Value& body);
  void answer_nothing(Headers headers = {}); // 204
  void refuse_with(const Refusal& refusal);
  // The same, with another status than the cause's.
  void refuse_as(int status, const Refusal& refusal);
  [[nodiscard]] Completion<bool> then_nothing(); // 204, or the refusal

 private:
  void send(Response response);

  AccountService& service_;
  const Operation& operation_;
  const std::shared_ptr<const OnRefusal> on_refusal_;
  const Request request_;
  Reply reply_;
  std::string set_cookie_;
};
using ExchangePtr = std::shared_ptr<Exchange>;
using Handle = std::function<void(const ExchangePtr&)>;

[[nodiscard]] std::string text_of(const json::Object& body, std::string_view name); // empty: absent
[[nodiscard]] std::optional<std::string> maybe_text(const json::Object& body, std::string_view name);

// The Bearer token first, then the body: other faults are reported only to authenticated callers.
using WithPrincipal = std::function<void(const ExchangePtr&, const json::Object& body, const Principal&)>;
[[nodiscard]] Handle with_bearer(WithPrincipal then);

// Makes the routes of operations.h. Their handlers run on the control plane, behind the limit per endpoint
// and address. The address is the person's: a gateway's signed request is trusted, a request
// that falsely claims to come from one is refused.
class RouteMaker {
 public:
  RouteMaker(AccountService& service, std::shared_ptr<const OnRefusal> on_refusal, ServiceRegistry* services = nullptr)
      : service_(service),
        on_refusal_(std::move(on_refusal)),
        services_(services) {}
  [[nodiscard]] Route operator()(std::string_view method, std::string_view path, Handle handle) const;
  [[nodiscard]] Route with_rate(std::string_view method, std::string_view path, Rate rate, Handle handle) const;

 private:
  AccountService& service_;
  std::shared_ptr<const OnRefusal> on_refusal_;
  ServiceRegistry* services_;
};

} // namespace foyer::accounts

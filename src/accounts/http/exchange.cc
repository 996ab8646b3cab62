#include "accounts/http/exchange.h"

#include "accounts/session/sessions.h"
#include "wire/problem.h"
#include "wire/request_fields.h"

namespace foyer::accounts {

Caller Exchange::caller() const {
  const std::string* device = request_.headers.find("user-agent");
  return {.address = request_.address, .device = device == nullptr ? std::string{} : *device, .ref = request_.ref};
}

Result<std::optional<std::string>> Exchange::cookie() const {
  return wire::session_cookie(request_.headers, cookie_scope());
}
void Exchange::also_expire_cookie() { set_cookie_ = expire_cookie(cookie_scope()); }

void Exchange::answer(int status, const json::Value& body) { send(json_response(status, json::write(body))); }
void Exchange::answer_nothing(Headers headers) {
  send(Response{.status = 204, .headers = std::move(headers), .body = {}});
}

void Exchange::refuse_with(const Refusal& refusal) { refuse_as(0, refusal); }

void Exchange::refuse_as(int status, const Refusal& refusal) {
  if (*on_refusal_) (*on_refusal_)(request_, refusal);
  Response response = wire::problem(refusal, request_.ref, service_.policy().reveal);
  if (status != 0 && response.status != status) {
    response.status = status;
    if (auto body = json::parse(response.body); body && body->is_object()) {
      body->as_object()["status"] = status;
      response.body = json::write(*body);
    }
  }
  send(std::move(response));
}

Completion<bool> Exchange::then_nothing() {
  return [self = shared_from_this()](Result<bool> done) {
    if (!done) return self->refuse_with(done.error());
    self->answer_nothing();
  };
}

void Exchange::send(Response response) {
  response.headers.set("Cache-Control", "no-store");
  if (!set_cookie_.empty()) response.headers.add("Set-Cookie", std::move(set_cookie_));
  reply_(std::move(response));
}

std::string text_of(const json::Object& body, std::string_view name) {
  return std::string{json::get_string(body, name).value_or("")};
}

std::optional<std::string> maybe_text(const json::Object& body, std::string_view name) {
  const auto text = json::get_string(body, name);
  if (!text) return std::nullopt;
  return std::string{*text};
}

Handle with_bearer(WithPrincipal then) {
  return [then = std::move(then)](const ExchangePtr& x) {
    auto token = bearer_token(x->request());
    if (!token) return x->refuse_with(token.error());
    x->service().authenticate(std::move(*token), [x, then](Result<Principal> who) {
      if (!who) return x->refuse_with(who.error());
      auto body = x->body();
      if (!body) return x->refuse_with(body.error());
      then(x, *body, *who);
    });
  };
}

Route RouteMaker::operator()(std::string_view method, std::string_view path, Handle handle) const {
  return with_rate(method, path, service_.policy().rate, std::move(handle));
}

Route RouteMaker::with_rate(std::string_view method, std::string_view path, Rate rate, Handle handle) const {
  const Operation& row = operation(method, path);
  const std::string endpoint = std::string{method} + ' ' + std::string{path};
  Handler handler = [&service = service_, &row, on_refusal = on_refusal_, services = services_, endpoint, rate,
                        handle = std::move(handle)](Request request, Reply reply) {
    service.run([&service, &row, on_refusal, services, endpoint, rate, handle, request = std::move(request),
                    reply = std::move(reply)]() mutable {
      find_sender(services, std::move(request),
          [&service, &row, on_refusal, endpoint, rate, handle = std::move(handle), reply = std::move(reply)](
              Sender sender) mutable {
        auto x = std::make_shared<Exchange>(service, row, on_refusal, std::move(sender.request), std::move(reply));
        if (sender.refused) return x->refuse_with(*sender.refused);
        if (auto taken = x->service().take(endpoint, x->caller(), rate); !taken) return x->refuse_with(taken.error());
        handle(x);
      });
    });
  };
  return Route{std::string{method}, std::string{path}, std::move(handler)};
}

} // namespace foyer::accounts

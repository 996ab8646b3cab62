#include "accounts/exchange.h"

#include "accounts/sessions.h"
#include "wire/problem.h"

namespace foyer::accounts {

Caller Exchange::caller() const {
  const std::string* device = request_.headers.find("user-agent");
  return {.address = request_.address, .device = device == nullptr ? std::string{} : *device, .ref = request_.ref};
}

std::optional<std::string> Exchange::cookie() const { return find_cookie(request_.headers, cookie_name(secure_cookie())); }
void Exchange::also_expire_cookie() { set_cookie_ = expire_cookie(secure_cookie()); }

void Exchange::answer(int status, const json::Value& body) { send(json_response(status, json::write(body))); }
void Exchange::answer_nothing() { send(Response{.status = 204, .headers = {}, .body = {}}); }

void Exchange::refuse_with(const Refusal& refusal) {
  if (*on_refusal_) (*on_refusal_)(request_, refusal);
  send(wire::problem(refusal, request_.ref, service_.policy().reveal));
}

Done<bool> Exchange::then_nothing() {
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

std::string text_of(const json::Object& body, std::string_view name) { return std::string{json::get_string(body, name).value_or("")}; }

std::optional<std::string> maybe_text(const json::Object& body, std::string_view name) {
  const auto text = json::get_string(body, name);
  if (!text) return std::nullopt;
  return std::string{*text};
}

Handle with_bearer(std::initializer_list<Member> members, WithPrincipal then) {
  return [known = std::vector<Member>(members), then = std::move(then)](const ExchangePtr& x) {
    auto token = bearer_token(x->request());
    if (!token) return x->refuse_with(token.error());
    x->service().authenticate(std::move(*token), [x, known, then](Result<Principal> who) {
      if (!who) return x->refuse_with(who.error());
      auto body = read_body(x->request(), known);
      if (!body) return x->refuse_with(body.error());
      then(x, *body, *who);
    });
  };
}

Route RouteMaker::operator()(std::string method, std::string path, Handle handle) const {
  const std::string endpoint = method + ' ' + path;
  Handler handler = [&service = service_, tell = on_refusal_, services = services_, endpoint, handle = std::move(handle)](Request request, Reply reply) {
    service.run([&service, tell, services, endpoint, handle, request = std::move(request), reply = std::move(reply)]() mutable {
      find_sender(services, std::move(request), [&service, tell, endpoint, handle = std::move(handle), reply = std::move(reply)](Sender sender) mutable {
        auto x = std::make_shared<Exchange>(service, tell, std::move(sender.request), std::move(reply));
        if (sender.refused) return x->refuse_with(*sender.refused);
        if (auto taken = x->service().take(endpoint, x->caller()); !taken) return x->refuse_with(taken.error());
        handle(x);
      });
    });
  };
  return Route{std::move(method), std::move(path), std::move(handler)};
}

} // namespace foyer::accounts

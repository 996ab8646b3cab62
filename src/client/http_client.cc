#include "client/http_client.h"

#include <future>
#include <memory>

#include "wire/http_response.h"

namespace foyer::client {
namespace {

struct Exchange {
  Exchange(HttpCall c, HttpCompletion d) : call(std::move(c)), done(std::move(d)), parser(call.method == "HEAD") {}

  HttpCall call;
  HttpCompletion done;
  wire::HttpResponseParser parser;
  std::weak_ptr<Link> link;
  TimerId deadline = 0;
  exec::ControlPlane* plane = nullptr;

  void end(HttpResult result) {
    if (!done) return;
    plane->cancel(deadline);
    if (const auto open = link.lock()) open->abort();
    auto once = std::exchange(done, nullptr);
    once(std::move(result));
  }

  void check() {
    using State = wire::HttpResponseParser::State;
    if (parser.state() == State::complete)
      end(std::move(parser.response()));
    else if (parser.state() == State::failed)
      end(std::unexpected(NetError{NetError::Kind::protocol, parser.error()}));
  }
};

std::string write_request(const HttpCall& call) {
  std::string out = call.method + " " + request_target(call.url) + " HTTP/1.1\r\nHost: " + call.url.authority() +
      "\r\nConnection: close\r\n";
  for (const Header& header : call.headers.list()) out += header.name + ": " + header.value + "\r\n";
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT")
    out += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
  out += "\r\n";
  out += call.body;
  return out;
}

void start(const std::shared_ptr<Exchange>& exchange) {
  exec::ControlPlane& plane = *exchange->plane;
  const HttpCall& call = exchange->call;
  std::weak_ptr<Exchange> weak = exchange;
  exchange->deadline = plane.after(call.timeout, [weak] {
    if (const auto e = weak.lock())
      e->end(std::unexpected(NetError{
          NetError::Kind::timeout, "no complete answer within " + std::to_string(e->call.timeout.count()) + " ms"}));
  });
  LinkTarget target{.host = call.url.host,
      .port = call.url.port,
      .tls = is_secure(call.url),
      .tls_options = call.tls,
      .connect_timeout = call.timeout};
  Link::Events events;
  events.ready = [exchange] {
    if (const auto link = exchange->link.lock()) link->write(write_request(exchange->call));
  };
  events.bytes = [exchange](std::span<char> bytes) {
    exchange->parser.feed({bytes.data(), bytes.size()});
    exchange->check();
  };
  events.ended = [exchange](NetError error) {
    if (error.kind == NetError::Kind::closed && exchange->done) {
      exchange->parser.finish();
      exchange->check();
    }
    exchange->end(std::unexpected(std::move(error)));
  };
  exchange->link = Link::open(plane, std::move(target), std::move(events));
}

} // namespace

void http_request(exec::ControlPlane& plane, HttpCall call, HttpCompletion done) {
  auto exchange = std::make_shared<Exchange>(std::move(call), std::move(done));
  exchange->plane = &plane;
  plane.post([exchange] { start(exchange); });
}

HttpResult http_request(HttpCall call) {
  std::promise<HttpResult> promise;
  auto answer = promise.get_future();
  exec::ControlPlane plane("http");
  http_request(plane, std::move(call), [&promise](HttpResult result) { promise.set_value(std::move(result)); });
  return answer.get();
}

bool is_secure(const wire::Url& url) { return url.scheme == "https" || url.scheme == "wss"; }

std::string request_target(const wire::Url& url) {
  std::string out = url.path.empty() ? "/" : url.path;
  if (!url.query.empty()) out += "?" + url.query;
  return out;
}

} // namespace foyer::client

// The entrance's HTTP half: requests one after the other, their answers, and the
// patience with those who send or read slowly.
#include "base/bytes.h"
#include "gateway/connection.h"
#include "gateway/entrance.h"
#include "gateway/shard.h"
#include "wire/problem.h"

namespace foyer::gateway {
namespace {

// An upgrade's early frames and a pipelined request wait here; more than this is no client of ours.
constexpr std::size_t kEarlyBytes = 128 * 1024;

std::string http_date(WallTime now) {
  const std::time_t seconds = static_cast<std::time_t>(unix_seconds(now));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const auto length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, length};
}

} // namespace

void Entrance::on_bytes(std::string_view bytes) {
  if (finished_) return;
  if (waiting_ || door_) {
    if (early_.size() + bytes.size() > kEarlyBytes) {
      connection_.transport().abort();
      finished_ = true;
      return;
    }
    early_.append(bytes);
    return;
  }
  read_requests(bytes);
}

// One request after the other, as long as answers are given at once.
void Entrance::read_requests(std::string_view bytes) {
  if (reading_) return; // early_ is looked at by the call further out
  reading_ = true;
  read_request(bytes);
  while (!finished_ && !waiting_ && !door_ && !early_.empty()) {
    const std::string next = std::exchange(early_, {});
    read_request(next);
  }
  reading_ = false;
}

void Entrance::read_request(std::string_view bytes) {
  const bool was_started = parser_.started();
  const std::size_t taken = parser_.feed(bytes);
  switch (parser_.state()) {
    case wire::HttpParser::State::failed: {
      ref_ = Ref{shard_.deps().entropy.short_id()};
      address_ = std::string(connection_.transport().peer_address());
      const Refusal refusal = parser_.refusal();
      report(refusal);
      if (refusal.cause == Cause::TLS_ON_PLAIN_PORT) {
        // A TLS alert: handshake_failure. Whoever speaks TLS here learns at once that nobody answers in it.
        connection_.transport().send_copy(std::string_view("\x15\x03\x01\x00\x02\x02\x28", 7));
        finished_ = true;
        return connection_.transport().close_gracefully(shard_.policy().close_linger);
      }
      respond(wire::problem(refusal, ref_, shard_.policy().reveal), false);
      return;
    }
    case wire::HttpParser::State::complete:
      early_.append(bytes.substr(taken));
      handle_request();
      return;
    case wire::HttpParser::State::head:
      if (!was_started && parser_.started()) arm(shard_.policy().header_timeout);
      return;
    case wire::HttpParser::State::body:
      if (parser_.wants_continue()) connection_.transport().send_copy("HTTP/1.1 100 Continue\r\n\r\n");
      arm(shard_.policy().body_timeout);
      return;
  }
}

void Entrance::handle_request() {
  request_ = std::move(parser_.request());
  ref_ = Ref{shard_.deps().entropy.short_id()};
  const auto client = client_address(shard_.policy().trusted_proxies, connection_.transport().peer_address(), connection_.transport().secure(), request_);
  if (client.ignored_forwarding) shard_.report_untrusted_proxy(connection_.transport().peer_address());
  address_ = client.address;
  path_ = request_.path;
  request_.ref = ref_;
  request_.address = address_;
  request_.secure = client.secure;
  const auto* host = request_.headers.find("Host");
  request_.origin_url = std::string(client.secure ? "https://" : "http://") + (host == nullptr ? std::string{} : *host);
  last_request_ = last_request_ || shard_.draining() || !parser_.keep_alive();
  if (door::is_plain_get(shard_.policy().door, request_)) {
    if (auto refusal = shard_.deps().plain_gets.handshake(address_, shard_.loop().now())) return respond_problem(*refusal);
    Response response = door::explain_plain_get(shard_.policy().door, request_);
    return respond(std::move(response), !last_request_);
  }
  if (door::is_for_door(shard_.policy().door, request_)) return begin_door();
  route();
}

void Entrance::route() {
  if (full_ || shard_.draining()) {
    // Health stays readable to the end.
    if (!request_.path.starts_with("/health")) {
      const Refusal refusal = full_ ? *full_ : Refusal{.cause = Cause::DRAINING, .retry_after = Millis{1'000}};
      report(refusal);
      return respond_problem(refusal);
    }
  }
  auto found = shard_.deps().router.resolve(request_);
  if (auto* response = std::get_if<Response>(&found)) return respond(std::move(*response), !last_request_);
  const Handler* handler = std::get<const Handler*>(found);
  waiting_ = true;
  arm(shard_.policy().request_timeout);
  // The answer comes from another thread, perhaps after the connection's end.
  Reply reply = [&shard = shard_, id = connection_.id(), alive = shard_.alive()](Response response) mutable {
    if (!*alive) return;
    shard.loop().post([&shard, id, response = std::move(response)]() mutable {
      if (Connection* connection = shard.find(id)) connection->request_answered(std::move(response));
    });
  };
  shard_.deps().run_control([handler, request = request_, reply = std::move(reply)]() mutable { (*handler)(std::move(request), std::move(reply)); });
}

void Entrance::request_answered(Response response) {
  if (!waiting_ || door_) return;
  waiting_ = false;
  respond(std::move(response), !last_request_);
}

void Entrance::respond_problem(const Refusal& refusal) {
  Response response = wire::problem(refusal, ref_, shard_.policy().reveal);
  if (refusal.cause == Cause::METHOD_NOT_ALLOWED) response.headers.add("Allow", "GET"); // of a socket path
  respond(std::move(response), !last_request_);
}

void Entrance::respond(Response response, bool keep_alive) {
  if (finished_) return;
  if (connection_.transport().queued() > shard_.policy().outbox_bytes + shard_.policy().answer_bytes) {
    // Requests without end from somebody who never reads an answer.
    finished_ = true;
    connection_.set_phase(Connection::Phase::closing);
    return connection_.transport().abort();
  }
  request_.ref = ref_;
  shard_.deps().router.decorate(request_, response);
  keep_alive = keep_alive && parser_.state() != wire::HttpParser::State::failed && !shard_.draining();
  connection_.transport().send(share(wire::write_response(response, keep_alive, http_date(shard_.loop().wall()), request_.method == "HEAD")));
  if (!keep_alive) {
    finished_ = true;
    connection_.set_phase(Connection::Phase::closing);
    return connection_.transport().close_gracefully(shard_.policy().close_linger);
  }
  parser_.reset();
  door_.reset();
  arm(shard_.policy().keep_alive_timeout);
  if (!early_.empty()) read_requests({});
}

void Entrance::on_eof() {
  // Somebody who half-closes after a request may still read its answer; nobody else.
  if (waiting_ && !door_) {
    last_request_ = true;
    return;
  }
  finished_ = true;
  connection_.transport().abort();
}

void Entrance::on_timer() {
  if (finished_) return;
  if (connection_.phase() == Connection::Phase::authenticating) {
    door_->first_message_timeout();
    return drive();
  }
  if (door_) return; // the auth service's client has its own deadline
  if (waiting_) {
    waiting_ = false;
    const Refusal refusal{.cause = Cause::INTERNAL_ERROR, .evidence = "no answer within request_timeout: " + printable(path_)};
    report(refusal);
    last_request_ = true;
    return respond_problem(refusal);
  }
  if (!parser_.started()) {
    // Nothing was asked: an idle keep-alive connection, or one that never spoke.
    finished_ = true;
    return connection_.transport().close_gracefully(shard_.policy().close_linger);
  }
  ref_ = Ref{shard_.deps().entropy.short_id()};
  address_ = std::string(connection_.transport().peer_address());
  const Refusal refusal{.cause = Cause::REQUEST_TIMEOUT, .evidence = "the request was not complete in time", .retry_after = Millis{1'000}};
  report(refusal);
  last_request_ = true;
  respond_problem(refusal);
}

void Entrance::shut_down() {
  if (connection_.phase() == Connection::Phase::authenticating) {
    finished_ = true;
    return connection_.close(info(Cause::SERVER_SHUTDOWN).close, "SERVER_SHUTDOWN");
  }
  last_request_ = true;
  if (waiting_ || door_ || parser_.started()) return;
  finished_ = true;
  connection_.transport().close_gracefully(shard_.policy().close_linger);
}

} // namespace foyer::gateway

// The entrance's HTTP half: requests one after the other, their answers, and the
// patience with those who send or read slowly.
#include <algorithm>

#include "base/bytes.h"
#include "gateway/connection.h"
#include "gateway/entrance.h"
#include "gateway/shard.h"
#include "wire/problem.h"

namespace foyer::gateway {
namespace {

// An upgrade's early frames and pipelined requests wait here; more is PIPELINE_LIMIT.
constexpr std::size_t kEarlyBytes = 128 * 1024;
// A socket's buffer has this much room when nothing else lies in it.
constexpr std::size_t kBufferedBySystem = 8 * 1024;
// Of what waits, so much must be taken in each write_timeout. A modem does it in a second.
constexpr std::size_t kLeastTaken = 8 * 1024;
constexpr Millis kLingerOverRest{5'000};

bool is_about_health(const Request& request) { return request.path.starts_with("/health"); }

Refusal too_much_behind() {
  return {.cause = Cause::PIPELINE_LIMIT,
      .evidence = "more than " + std::to_string(kEarlyBytes) + " bytes behind a request",
      .retry_after = Millis{1'000}};
}

} // namespace

std::string http_date(WallTime now) {
  const std::time_t seconds = static_cast<std::time_t>(unix_seconds(now));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const auto length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, length};
}

// Times. A connection has one timer; it is set for whichever comes first: the end of
// our patience with what is to arrive, or with an answer that nobody takes.

void Entrance::wait_for(Millis patience) {
  due_ = shard_.loop().now() + (full_ ? std::min(patience, shard_.policy().refused_timeout) : patience);
  schedule();
}

void Entrance::schedule() {
  const auto now = shard_.loop().now();
  const auto at = leaving_ || resting_ ? untaken_due_ : untaken_ > 0 ? std::min(due_, untaken_due_) : due_;
  arm(std::max(Millis{0}, std::chrono::ceil<Millis>(at - now)));
}

// `patience`, but not beyond the time that a whole request has.
Millis Entrance::of_request(Millis patience) const {
  const auto left = std::chrono::ceil<Millis>(begun_ + shard_.policy().request_timeout - shard_.loop().now());
  return std::clamp(left, Millis{0}, patience);
}

// Requests

void Entrance::on_bytes(std::string_view bytes) {
  if (finished_ || leaving_ || flooded_) return; // nothing of it will be answered
  if (busy())
    keep(bytes);
  else
    read_requests(bytes);
}

bool Entrance::busy() const { return waiting_ || door_ != nullptr || resting_; }

// For when the request before it is answered.
void Entrance::keep(std::string_view bytes) {
  const std::size_t room = kEarlyBytes - std::min(kEarlyBytes, early_.size());
  early_.append(bytes.substr(0, room));
  flooded_ = flooded_ || bytes.size() > room;
  // A socket's first frames must not have holes; who sends so many before the answer to its handshake is no WebSocket
  // client.
  if (flooded_ && door_) refuse_whole(too_much_behind());
}

// One request after the other, as long as answers are given at once and are taken.
void Entrance::read_requests(std::string_view bytes) {
  if (reading_) return; // the call further out goes on
  reading_ = true;
  const std::string earlier = std::exchange(early_, {});
  std::string_view rest = earlier.empty() ? bytes : std::string_view{earlier};
  while (!finished_ && !leaving_ && !busy() && !rest.empty()) read_request(rest);
  reading_ = false;
  if (finished_ || leaving_) return;
  if (busy())
    keep(rest);
  else if (flooded_)
    refuse_request(too_much_behind()); // the last one that was kept has no end
  else if (half_closed_)
    leave();
}

void Entrance::read_request(std::string_view& rest) {
  using State = wire::HttpParser::State;
  const bool was_started = parser_.started();
  const State before = parser_.state();
  rest.remove_prefix(parser_.feed(rest));
  if (parser_.started()) stop_idling(); // an empty line asks for nothing
  if (!was_started && parser_.started()) begun_ = shard_.loop().now();
  switch (parser_.state()) {
    case State::failed: return refuse_request(parser_.refusal());
    case State::complete: return handle_request(rest);
    case State::head:
      // From its first byte on, however often more of it comes.
      if (!was_started && parser_.started()) wait_for(of_request(shard_.policy().header_timeout));
      return;
    case State::body:
      if (parser_.wants_continue()) {
        if (answered_by_head()) return;
        connection_.transport().send_copy("HTTP/1.1 100 Continue\r\n\r\n");
      }
      if (before == State::head) wait_for(of_request(shard_.policy().body_timeout));
      return;
  }
}

// What is told of a request that has not come to its end: as much of it as was read.
void Entrance::begin_refusal() {
  ref_ = Ref{shard_.deps().entropy.short_id()};
  request_ = std::exchange(parser_.request(), {});
  user_.clear();
  origin_.clear();
  path_ = request_.path;
  address_ = http::client_address(shard_.policy().trusted_proxies, connection_.transport().peer_address(),
      connection_.transport().secure(), request_)
                 .address;
  last_request_ = true;
}

void Entrance::refuse_request(const Refusal& refusal) {
  begin_refusal();
  report(refusal);
  if (refusal.cause != Cause::TLS_ON_PLAIN_PORT) return respond_problem(refusal);
  // A TLS alert: handshake_failure. Whoever speaks TLS here learns at once that nobody answers in it.
  connection_.transport().send_copy(std::string_view("\x15\x03\x01\x00\x02\x02\x28", 7));
  end();
}

// Who asks whether its body is wanted is told the final answer where the head determines it (RFC 9110 §10.1.1).
bool Entrance::answered_by_head() {
  take_head();
  if (!for_door()) {
    if (const auto refusal = turned_away()) {
      refuse_whole(*refusal);
      return true;
    }
    auto found = shard_.deps().router.resolve(request_);
    if (auto* response = std::get_if<Response>(&found)) {
      last_request_ = true; // its body may come or not
      respond(std::move(*response), false);
      return true;
    }
  }
  parser_.request() = std::move(request_);
  return false;
}

bool Entrance::for_door() const {
  return admission::is_socket_path(shard_.policy().door, request_) ||
      (admission::asks_for_socket(request_) && !shard_.deps().router.has_route(request_.path));
}

void Entrance::take_head() {
  request_ = std::move(parser_.request());
  ref_ = Ref{shard_.deps().entropy.short_id()};
  user_.clear();
  origin_.clear();
  const auto client = http::client_address(shard_.policy().trusted_proxies, connection_.transport().peer_address(),
      connection_.transport().secure(), request_);
  if (client.ignored_forwarding) shard_.report_untrusted_proxy(connection_.transport().peer_address());
  if (!client.other_header.empty()) shard_.report_other_header(client.other_header);
  address_ = client.address;
  at_base_ = http::strip_base_path(shard_.policy().door.base_path, request_.path);
  path_ = request_.path;
  request_.ref = ref_;
  request_.address = address_;
  request_.secure = client.secure;
  const auto* host = request_.headers.find("Host");
  request_.origin_url = std::string(client.secure ? "https://" : "http://") + (host == nullptr ? std::string{} : *host);
}

// Everybody is, but who asks for our health, which stays readable whatever is full, and to the end.
std::optional<Refusal> Entrance::turned_away() const {
  if (is_about_health(request_)) return std::nullopt;
  if (full_) return full_;
  if (shard_.draining()) return Refusal{.cause = Cause::DRAINING, .retry_after = Millis{1'000}};
  return std::nullopt;
}

void Entrance::handle_request(std::string_view& rest) {
  take_head();
  asked_ = true;
  last_request_ = last_request_ || full_ || shard_.draining() || !parser_.keep_alive();
  if (parser_.https_target() && !request_.secure) // RFC 9110 §7.4
    return refuse_whole({.cause = Cause::HOST_NOT_ALLOWED,
        .evidence = "an https target on a connection that is not encrypted",
        .field = "target"});
  if (at_base_ && (request_.method == "GET" || request_.method == "HEAD") && !admission::asks_for_socket(request_))
    return redirect_to_base();
  if (admission::is_plain_get(shard_.policy().door, request_)) {
    if (auto refusal = shard_.deps().plain_gets.handshake(address_, shard_.loop().now())) {
      report(*refusal);
      return respond_problem(*refusal);
    }
    Response response = admission::explain_plain_get(shard_.policy().door, request_);
    return respond(std::move(response), !last_request_);
  }
  if (!for_door()) return route();
  // Where its body ends is where frames begin; no client sends one, and not everybody between us reads one, however
  // empty.
  if (request_.method == "GET" && (!request_.body.empty() || request_.headers.find("Transfer-Encoding") != nullptr))
    return refuse_whole(
        {.cause = Cause::BAD_REQUEST, .evidence = "a WebSocket handshake with a body", .field = "body"});
  keep(std::exchange(rest, {}));
  if (flooded_) return refuse_whole(too_much_behind());
  begin_door();
}

void Entrance::redirect_to_base() {
  Response response{.status = 308, .headers = {}, .body = {}};
  response.headers.add(
      "Location", shard_.policy().door.base_path + '/' + (request_.query.empty() ? "" : '?' + request_.query));
  respond(std::move(response), !last_request_);
}

// A request that was read whole, and after which nothing more is read.
void Entrance::refuse_whole(const Refusal& refusal) {
  waiting_ = false;
  report(refusal);
  last_request_ = true;
  respond_problem(refusal);
}

void Entrance::route() {
  if (const auto refusal = turned_away()) {
    report(*refusal);
    return respond_problem(*refusal);
  }
  auto found = shard_.deps().router.resolve(request_);
  if (auto* response = std::get_if<Response>(&found)) return respond(std::move(*response), !last_request_);
  const Handler* handler = std::get<const Handler*>(found);
  admission::Permit place;
  if (!is_about_health(request_)) {
    auto taken = shard_.deps().gauges.request();
    if (!taken) {
      report(taken.error());
      return respond_problem(taken.error());
    }
    place = std::move(*taken);
  }
  waiting_ = true;
  wait_for(of_request(shard_.policy().request_timeout));
  // The answer comes from another thread, perhaps after the connection's end.
  Reply reply = [&shard = shard_, id = connection_.id(), alive = shard_.alive(), place = std::move(place)](
                    Response response) mutable {
    place.release();
    if (!*alive) return;
    shard.loop().post([&shard, id, response = std::move(response)]() mutable {
      if (Connection* connection = shard.find(id)) connection->request_answered(std::move(response));
    });
  };
  shard_.deps().control.post([handler, request = request_, reply = std::move(reply)]() mutable {
    (*handler)(std::move(request), std::move(reply));
  });
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
  if (finished_ || leaving_) return;
  handshake_.release();
  arriving_.release();
  io::Transport& transport = connection_.transport();
  request_.ref = ref_;
  shard_.deps().router.decorate(request_, response);
  keep_alive = keep_alive && !last_request_ && parser_.state() != wire::HttpParser::State::failed && !shard_.draining();
  std::string bytes =
      wire::write_response(response, keep_alive, http_date(shard_.loop().wall()), request_.method == "HEAD");
  // What is not an answer counts as well: TLS has tickets on their way, HTTP its 100 Continue.
  const std::size_t before = transport.queued() + transport.unacknowledged();
  if (untaken_ > 0 && before > 0)
    untaken_ += bytes.size();
  else
    expect_taken(before + bytes.size());
  transport.send(share(std::move(bytes)));
  door_.reset();
  if (!keep_alive) return leave();
  parser_.reset();
  wait_for(shard_.policy().keep_alive_timeout);
  if (transport.queued() > shard_.policy().outbox_bytes) {
    resting_ = true;
    return look_again();
  }
  if (!early_.empty() || flooded_ || half_closed_) return read_requests({});
  idle_in(shard_.idle());
}

// Nothing was asked since the last answer, and somebody else needs the place: what a
// server may do at any time (RFC 9112 §9.5), and what takes a service from nobody.
void Entrance::give_way() {
  stop_idling();
  end();
  connection_.give_up_place();
}

// From now on, some of `bytes` must be taken in each write_timeout.
void Entrance::expect_taken(std::size_t bytes) {
  untaken_ = bytes;
  owed_ = std::min(bytes, kLeastTaken);
  untaken_due_ = shard_.loop().now() + shard_.policy().write_timeout;
}

// The last answer is on its way. What the system's buffers hold at once needs no watching.
void Entrance::leave() {
  leaving_ = true;
  early_.clear();
  early_.shrink_to_fit();
  if (connection_.transport().queued() <= kBufferedBySystem) return end();
  schedule();
  look_again();
}

// In the next turn, when it has shown how much the system takes.
void Entrance::look_again() {
  shard_.loop().post([&shard = shard_, id = connection_.id()] {
    if (Connection* connection = shard.find(id)) connection->on_drained();
  });
}

void Entrance::on_drained() {
  if (finished_ || connection_.transport().queued() > 0) return;
  if (leaving_) return end();
  if (!std::exchange(resting_, false)) return;
  wait_for(shard_.policy().keep_alive_timeout);
  read_requests({});
  if (!finished_ && !leaving_ && !busy() && !parser_.started()) idle_in(shard_.idle());
}

// Whoever was answered before its request was whole may be busy sending, and would lose the
// answer if what it sends met a closed socket (RFC 9112 §9.6).
void Entrance::end() {
  finished_ = true;
  connection_.set_phase(Connection::Phase::closing);
  const bool cut_short = flooded_ || parser_.state() == wire::HttpParser::State::failed ||
      parser_.state() == wire::HttpParser::State::body;
  connection_.transport().close_gracefully(
      cut_short ? std::max(kLingerOverRest, shard_.policy().close_linger) : shard_.policy().close_linger);
}

void Entrance::on_eof() {
  // Somebody who half-closes after requests may still read their answers; nobody else.
  half_closed_ = true;
  if ((waiting_ && (!door_ || !token_.empty())) || leaving_ || resting_) return;
  if (!door_ && !parser_.started() && connection_.transport().queued() > 0) return leave();
  finished_ = true;
  connection_.transport().abort();
}

// Times that came to their end

void Entrance::on_timer() {
  if (finished_) return;
  if (connection_.phase() == Connection::Phase::authenticating) {
    door_->first_message_timeout();
    return drive();
  }
  if (door_) return; // the auth service's client has its own deadline
  const auto now = shard_.loop().now();
  if (untaken_ > 0 && now >= untaken_due_) {
    const std::size_t left = connection_.transport().queued() + connection_.transport().unacknowledged();
    if (left > 0 && left + owed_ > untaken_) return give_up_answer(left);
    expect_taken(left);
  }
  if (leaving_ || resting_) {
    on_drained();
    if (!finished_ && (leaving_ || resting_)) schedule();
    return;
  }
  if (now < due_) return schedule();
  if (waiting_) {
    waiting_ = false;
    const auto took = std::chrono::ceil<Millis>(now - begun_);
    return refuse_whole({.cause = Cause::INTERNAL_ERROR,
        .evidence = "no answer within request_timeout (" + std::to_string(took.count()) +
            " ms after the first byte): " + shown_path(path_)});
  }
  if (!parser_.started()) {
    // An idle keep-alive connection, or one that never spoke.
    (asked_ ? shard_.metrics().idle : shard_.metrics().silent).add();
    return end();
  }
  const bool in_body = parser_.state() == wire::HttpParser::State::body;
  // Who would have been refused, and was only to be told so, has waited for that.
  const Refusal refusal = full_
      ? *full_
      : Refusal{.cause = Cause::REQUEST_TIMEOUT,
            .evidence = in_body ? "the body was not complete in time" : "the head was not complete in time",
            .retry_after = Millis{1'000}};
  begin_refusal();
  report(refusal);
  respond_problem(refusal);
}

// An answer over HTTP could not be told either.
void Entrance::give_up_answer(std::size_t left) {
  report({.cause = Cause::ANSWER_UNREAD,
      .evidence = std::to_string(left) + " bytes were left",
      .retry_after = Millis{1'000}});
  finished_ = true;
  connection_.set_phase(Connection::Phase::closing);
  connection_.transport().abort();
}

void Entrance::shut_down() {
  if (connection_.phase() == Connection::Phase::authenticating) {
    finished_ = true;
    return connection_.close_for_shutdown();
  }
  last_request_ = true;
  if (waiting_ || door_ || leaving_ || resting_ || parser_.started()) return;
  finished_ = true;
  connection_.transport().close_gracefully(shard_.policy().close_linger);
}

} // namespace foyer::gateway

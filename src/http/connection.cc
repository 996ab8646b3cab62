#include "http/connection.h"

#include <algorithm>

#include "base/bytes.h"
#include "http/port.h"
#include "wire/problem.h"

namespace foyer::http {
namespace {

// Limit of bytes kept behind a request, pipelined requests or early frames; beyond: PIPELINE_LIMIT.
constexpr std::size_t kEarlyBytes = 128 * 1024;
// An empty socket send buffer of the system has at least this much room.
constexpr std::size_t kBufferedBySystem = 8 * 1024;
// The client must take at least this many of the unsent bytes in each write_timeout. A modem needs a second for it.
constexpr std::size_t kLeastTaken = 8 * 1024;
constexpr Millis kLingerOverRest{5'000};

bool is_about_health(const Request& request) { return request.path.starts_with("/health"); }

Refusal too_much_behind() {
  return {.cause = Cause::PIPELINE_LIMIT,
      .evidence = "more than " + std::to_string(kEarlyBytes) + " bytes sent after a request, before its answer",
      .retry_after = Millis{1'000}};
}

} // namespace

Connection::Connection(Port& port, io::Transport& transport, io::SlotId id, Arrival arrival)
    : port_(port),
      transport_(transport),
      id_(id),
      parser_(port.policy().limits),
      arrival_(std::move(arrival)) {
  wait_for(port_.policy().header_timeout);
}

// Calls from outside. Each may hand the transport over, which deletes this.

void Connection::on_bytes(std::span<char> bytes) {
  const std::string_view text{bytes.data(), bytes.size()};
  switch (phase_) {
    case Phase::reading: read(text); break;
    case Phase::handling:
    case Phase::sending:
    case Phase::making:
    case Phase::resting: keep(text); break;
    case Phase::leaving:
    case Phase::closing:
    case Phase::handed_over: break; // the connection is over: requests in progress are not answered
  }
  settle();
}

void Connection::on_eof() {
  if (input_ == Input::open) input_ = Input::ended;
  // A client that half-closes after its requests may still read the answers; otherwise the connection ends.
  if (phase_ != Phase::reading) return;
  if (!parser_.started() && transport_.queued() > 0) return leave();
  phase_ = Phase::closing;
  transport_.abort();
}

void Connection::on_drained() {
  if (transport_.queued() > 0) return;
  if (phase_ == Phase::leaving) return end();
  if (phase_ == Phase::sending) return ask_for_piece();
  if (phase_ != Phase::resting) return;
  phase_ = Phase::reading;
  wait_for(port_.policy().keep_alive_timeout);
  read({});
  settle();
}

void Connection::on_closed() {
  port_.loop().disarm(*this);
  port_.remove(*this); // deletes this
}

void Connection::request_answered(Response response) {
  if (phase_ != Phase::handling) return;
  respond(std::move(response));
  if (phase_ == Phase::reading) read({});
  settle();
}

void Connection::answer_last(LastAnswer answer) {
  request_ = std::move(answer.request);
  if (answer.unread_input) input_ = Input::flooded;
  sent_before_ = true;
  last_request_ = true;
  respond(std::move(answer.response));
}

void Connection::shut_down() {
  last_request_ = true;
  if (source_) source_->finish();
  if (phase_ != Phase::reading || parser_.started()) return;
  stop_idling();
  phase_ = Phase::closing;
  transport_.close_gracefully(port_.policy().close_linger);
}

// Closes an idle connection, because another client needs its permit. A server may do so at any time (RFC 9112 §9.5);
// no request is lost.
void Connection::give_way() {
  end();
  arrival_.socket.release();
}

void Connection::settle() {
  if (phase_ == Phase::handed_over) port_.remove(*this);
}

// Times. The one timer is set for the earlier of two deadlines: due_, for the next input or answer, and untaken_due_,
// for the client to take bytes already sent.

void Connection::wait_for(Millis patience) {
  due_ = port_.loop().now() + (arrival_.full ? std::min(patience, port_.policy().refused_timeout) : patience);
  schedule();
}

void Connection::schedule() {
  if (source_ && untaken_ == 0) return port_.loop().disarm(*this); // the source of a stream has no deadline
  const auto now = port_.loop().now();
  const bool only_untaken = phase_ == Phase::leaving || phase_ == Phase::resting || source_;
  const auto at = only_untaken ? untaken_due_ : untaken_ > 0 ? std::min(due_, untaken_due_) : due_;
  port_.loop().arm(*this, std::max(Millis{0}, std::chrono::ceil<Millis>(at - now)));
}

// `patience`, but at most the rest of request_timeout.
Millis Connection::of_request(Millis patience) const {
  const auto left = std::chrono::ceil<Millis>(*begun_ + port_.policy().request_timeout - port_.loop().now());
  return std::clamp(left, Millis{0}, patience);
}

void Connection::on_timer() {
  if (phase_ == Phase::closing) return;
  const auto now = port_.loop().now();
  if (untaken_ > 0 && now >= untaken_due_) {
    const std::size_t left = transport_.queued() + transport_.unacknowledged();
    if (left > 0 && left + owed_ > untaken_) return give_up_answer(left);
    expect_taken(left);
  }
  if (phase_ == Phase::leaving || phase_ == Phase::resting) {
    if (transport_.queued() > 0) return schedule();
    return on_drained();
  }
  if (source_ || now < due_) return schedule();
  request_timed_out();
}

void Connection::request_timed_out() {
  if (phase_ == Phase::handling) {
    const auto took = std::chrono::ceil<Millis>(port_.loop().now() - *begun_);
    return refuse_whole({.cause = Cause::INTERNAL_ERROR,
        .evidence = "no answer within request_timeout (" + std::to_string(took.count()) +
            " ms after the first byte): " + shown_path(request_.path)});
  }
  if (!parser_.started()) {
    // An idle keep-alive connection, or one without any request.
    (begun_ ? port_.metrics().idle : port_.metrics().silent).add();
    return end();
  }
  const bool in_body = parser_.state() == wire::HttpParser::State::body;
  // A socket beyond a limit was read only to be sent the refusal.
  const Refusal refusal = arrival_.full
      ? *arrival_.full
      : Refusal{.cause = Cause::REQUEST_TIMEOUT,
            .evidence = in_body ? "the body was not complete in time" : "the head was not complete in time",
            .retry_after = Millis{1'000}};
  begin_refusal();
  report(refusal);
  respond_problem(refusal);
}

// Requests

// Keeps bytes until the request before them is answered.
void Connection::keep(std::string_view bytes) {
  if (!bytes.empty()) client_ends_ = false;
  if (input_ == Input::flooded) return;
  const std::size_t room = kEarlyBytes - std::min(kEarlyBytes, early_.size());
  early_.append(bytes.substr(0, room));
  if (bytes.size() > room) input_ = Input::flooded;
}

// Handles requests in order, as long as answers are immediate and the client takes them.
void Connection::read(std::string_view bytes) {
  const std::string earlier = std::exchange(early_, {});
  std::string_view rest = earlier.empty() ? bytes : std::string_view{earlier};
  while (phase_ == Phase::reading && !rest.empty()) read_request(rest);
  if (phase_ == Phase::handling || phase_ == Phase::resting || source_) {
    if (earlier.empty()) return keep(rest);
    early_ = rest; // it fitted there before
    return;
  }
  if (phase_ != Phase::reading) return;
  if (input_ == Input::flooded) return refuse_request(too_much_behind()); // the last request in early_ is incomplete
  if (input_ == Input::ended) return leave();
  if (begun_ && !parser_.started() && !idling()) idle_in(port_.idle());
}

void Connection::read_request(std::string_view& rest) {
  using State = wire::HttpParser::State;
  const bool was_started = parser_.started();
  const State before = parser_.state();
  rest.remove_prefix(parser_.feed(rest));
  if (parser_.started()) stop_idling(); // an empty line is not a request
  if (!was_started && parser_.started()) begun_ = port_.loop().now();
  switch (parser_.state()) {
    case State::failed: return refuse_request(parser_.refusal());
    case State::complete: return handle_request(rest);
    case State::head:
      // header_timeout counts from the first byte, however slowly the rest arrives.
      if (!was_started && parser_.started()) wait_for(of_request(port_.policy().header_timeout));
      return;
    case State::body:
      if (parser_.wants_continue()) {
        if (answered_by_head()) return;
        transport_.send_copy("HTTP/1.1 100 Continue\r\n\r\n");
        sent_before_ = true;
      }
      if (before == State::head) wait_for(of_request(port_.policy().body_timeout));
      return;
  }
}

// A client that sent Expect: 100-continue gets the final answer at once if the head already determines it (RFC 9110
// §10.1.1).
bool Connection::answered_by_head() {
  static_cast<void>(take_head());
  if (!is_upgrade()) {
    if (const auto refusal = turned_away()) {
      refuse_whole(*refusal);
      return true;
    }
    auto found = port_.deps().router.resolve(request_);
    if (auto* response = std::get_if<Response>(&found)) {
      last_request_ = true; // the client may still send the body
      respond(std::move(*response));
      return true;
    }
  }
  parser_.request() = std::move(request_);
  return false;
}

bool Connection::is_upgrade() const {
  if (port_.upgrades() == nullptr) return false;
  const Router& router = port_.deps().router;
  return admission::is_socket_path(router.door(), request_) ||
      (admission::asks_for_socket(request_) && !router.has_route(request_.path));
}

bool Connection::take_head() {
  request_ = std::move(parser_.request());
  request_.ref = Ref{port_.deps().entropy.short_id()};
  const auto client =
      client_address(port_.policy().trusted_proxies, transport_.peer_address(), transport_.secure(), request_);
  if (client.ignored_forwarding) port_.report_untrusted_proxy(transport_.peer_address());
  if (!client.other_header.empty()) port_.report_other_header(client.other_header);
  request_.address = client.address;
  request_.secure = client.secure;
  const auto* host = request_.headers.find("Host");
  request_.origin_url = std::string(client.secure ? "https://" : "http://") + (host == nullptr ? std::string{} : *host);
  const bool at_base = strip_base_path(port_.deps().router.door().base_path, request_.path);
  collapse_api_path(request_.path);
  return at_base;
}

// The refusal of a request because of load or shutdown. Health checks are always answered.
std::optional<Refusal> Connection::turned_away() const {
  if (is_about_health(request_)) return std::nullopt;
  if (arrival_.full) return arrival_.full;
  if (port_.draining()) return Refusal{.cause = Cause::DRAINING, .retry_after = Millis{1'000}};
  return std::nullopt;
}

void Connection::handle_request(std::string_view& rest) {
  const bool at_base = take_head();
  client_ends_ = !parser_.keep_alive() && rest.empty();
  last_request_ = last_request_ || arrival_.full || port_.draining() || !parser_.keep_alive();
  if (parser_.https_target() && !request_.secure) // RFC 9110 §7.4
    return refuse_whole({.cause = Cause::HOST_NOT_ALLOWED,
        .evidence = "an https target on an unencrypted connection",
        .field = "target"});
  const admission::DoorPolicy& door = port_.deps().router.door();
  if (at_base && (request_.method == "GET" || request_.method == "HEAD") && !admission::asks_for_socket(request_))
    return redirect_to_base();
  if (port_.upgrades() != nullptr && admission::is_plain_get(door, request_)) {
    if (auto refusal = port_.deps().plain_gets.handshake(request_.address, port_.loop().now())) {
      report(*refusal);
      return respond_problem(*refusal);
    }
    return respond(admission::explain_plain_get(door, request_));
  }
  if (!is_upgrade()) return route();
  // Frames would begin after the body. No client sends one, and some intermediaries ignore it, which would make the
  // start of the frames ambiguous.
  if (request_.method == "GET" && (!request_.body.empty() || request_.headers.find("Transfer-Encoding") != nullptr))
    return refuse_whole(
        {.cause = Cause::BAD_REQUEST, .evidence = "a WebSocket handshake with a body", .field = "body"});
  hand_over(rest);
}

void Connection::hand_over(std::string_view& rest) {
  keep(std::exchange(rest, {}));
  if (input_ == Input::flooded) return refuse_whole(too_much_behind());
  phase_ = Phase::handed_over;
  port_.loop().disarm(*this);
  port_.upgrades()->take(transport_,
      {.request = std::move(request_),
          .early_bytes = std::move(early_),
          .input_ended = input_ == Input::ended,
          .permits = std::move(arrival_),
          .answers = &port_});
}

void Connection::redirect_to_base() {
  Response response{.status = 308, .headers = {}, .body = {}};
  response.headers.add(
      "Location", port_.deps().router.door().base_path + '/' + (request_.query.empty() ? "" : '?' + request_.query));
  respond(std::move(response));
}

void Connection::route() {
  if (const auto refusal = turned_away()) {
    report(*refusal);
    return respond_problem(*refusal);
  }
  auto found = port_.deps().router.resolve(request_);
  if (auto* response = std::get_if<Response>(&found)) return respond(std::move(*response));
  const Route* route = std::get<const Route*>(found);
  admission::Permit place;
  if (!is_about_health(request_)) {
    auto taken = port_.deps().limits.request();
    if (!taken) {
      report(taken.error());
      return respond_problem(taken.error());
    }
    place = std::move(*taken);
  }
  phase_ = Phase::handling;
  wait_for(of_request(port_.policy().request_timeout));
  // The answer comes from another thread, perhaps after the connection has ended.
  Reply reply = [&port = port_, id = id_, alive = port_.alive(), place = std::move(place)](Response response) mutable {
    place.release();
    if (!*alive) return;
    port.loop().post([&port, id, response = std::move(response)]() mutable {
      if (Connection* connection = port.find(id)) connection->request_answered(std::move(response));
    });
  };
  std::string body = std::exchange(request_.body, {}); // no longer needed here
  Request request = request_;
  request.body = std::move(body);
  if (route->on_loop) return route->handler(std::move(request), std::move(reply));
  port_.deps().control.post([route, request = std::move(request), reply = std::move(reply)]() mutable {
    route->handler(std::move(request), std::move(reply));
  });
}

// Refusals

// Takes the request as far as it was read, for the report.
void Connection::begin_refusal() {
  const Ref ref{port_.deps().entropy.short_id()};
  request_ = std::exchange(parser_.request(), {});
  request_.ref = ref;
  request_.address =
      client_address(port_.policy().trusted_proxies, transport_.peer_address(), transport_.secure(), request_).address;
  static_cast<void>(strip_base_path(port_.deps().router.door().base_path, request_.path));
  collapse_api_path(request_.path);
  last_request_ = true;
}

void Connection::refuse_request(const Refusal& refusal) {
  begin_refusal();
  report(refusal);
  if (refusal.cause != Cause::TLS_ON_PLAIN_PORT) return respond_problem(refusal);
  // A TLS alert, handshake_failure (RFC 8446 §6): a client that speaks TLS to this plain port fails at once.
  transport_.send_copy(std::string_view("\x15\x03\x01\x00\x02\x02\x28", 7));
  end();
}

// Refuses a request that was read completely, and ends the connection.
void Connection::refuse_whole(const Refusal& refusal) {
  report(refusal);
  last_request_ = true;
  respond_problem(refusal);
}

void Connection::report(const Refusal& refusal) {
  port_.deps().addresses.refused(request_.address, refusal.cause, port_.loop().now());
  port_.deps().reporter.report(request_, refusal);
}

// Answers

void Connection::respond_problem(const Refusal& refusal) {
  respond(wire::problem(refusal, request_.ref, port_.deps().router.door().reveal));
}

void Connection::respond(Response response) {
  arrival_.handshake.release();
  arrival_.address.release();
  port_.deps().router.decorate(request_, response);
  last_request_ = last_request_ || parser_.state() == wire::HttpParser::State::failed || port_.draining();
  const bool head_only = request_.method == "HEAD";
  if (response.stream && !head_only && wire::may_have_body(response.status))
    return respond_with_stream(std::move(response));
  send(wire::write_response(response, !last_request_, wire::http_date(port_.loop().wall()), head_only));
  answered();
}

void Connection::send(std::string bytes) {
  if (untaken_ > 0) {
    untaken_ += bytes.size(); // whether some of it was taken is checked at the deadline
  } else {
    // Other bytes, such as TLS tickets and 100 Continue, count as well.
    const bool asks = sent_before_ || transport_.secure();
    const std::size_t before = asks ? transport_.queued() + transport_.unacknowledged() : 0;
    sent_before_ = true;
    expect_taken(before + bytes.size());
  }
  transport_.send(share(std::move(bytes)));
}

// The whole answer has been sent to the transport.
void Connection::answered() {
  if (last_request_) return leave();
  parser_.reset();
  phase_ = Phase::reading;
  wait_for(port_.policy().keep_alive_timeout);
  if (transport_.queued() <= port_.policy().outbox_bytes) return;
  phase_ = Phase::resting;
  look_again();
}

// From now on, the client must take some of `bytes` in each write_timeout.
void Connection::expect_taken(std::size_t bytes) {
  untaken_ = bytes;
  owed_ = std::min(bytes, kLeastTaken);
  untaken_due_ = port_.loop().now() + port_.policy().write_timeout;
}

// The last answer is being sent. Bytes that fit into the system's buffers at once need no deadline.
void Connection::leave() {
  phase_ = Phase::leaving;
  early_.clear();
  early_.shrink_to_fit();
  if (transport_.queued() <= kBufferedBySystem) return end();
  schedule();
  look_again();
}

// Checks again after this turn, when it is known how much the system took.
void Connection::look_again() {
  port_.loop().after_turn([&port = port_, id = id_] {
    if (Connection* connection = port.find(id)) connection->on_drained();
  });
}

// A client that was answered before its request was complete may still be sending. Bytes that reach a closed socket
// would destroy the answer (RFC 9112 §9.6), so reading continues for a while.
void Connection::end() {
  stop_idling();
  phase_ = Phase::closing;
  const bool cut_short = input_ == Input::flooded || parser_.state() == wire::HttpParser::State::failed ||
      parser_.state() == wire::HttpParser::State::body;
  const Millis linger = port_.policy().close_linger;
  // Nothing can arrive that would reset the connection before the client has read the answer.
  if (client_ends_ && !cut_short) return transport_.close_when_sent(linger);
  transport_.close_gracefully(cut_short ? std::max(kLingerOverRest, linger) : linger);
}

// The client does not read, so no refusal is sent.
void Connection::give_up_answer(std::size_t left) {
  report({.cause = Cause::ANSWER_UNREAD,
      .evidence = std::to_string(left) + " bytes of the answer were not read",
      .retry_after = Millis{1'000}});
  phase_ = Phase::closing;
  source_.reset();
  transport_.abort();
}

} // namespace foyer::http

#include "gateway/entrance.h"

#include "base/bytes.h"
#include "gateway/connection.h"
#include "gateway/shard.h"
#include "protocol/encode.h"
#include "wire/problem.h"
#include "wire/websocket.h"

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

Entrance::Entrance(Connection& connection, std::optional<Refusal> full)
    : connection_(connection), shard_(connection.shard()), parser_(shard_.policy().http), full_(std::move(full)) {
  arm(shard_.policy().header_timeout);
}

Entrance::~Entrance() = default;

void Entrance::arm(Millis after) { shard_.loop().arm(connection_, after); }

// HTTP

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

// The door

void Entrance::begin_door() {
  const auto* origin = request_.headers.find("Origin");
  if (origin != nullptr) origin_ = *origin;
  if (const auto* key = request_.headers.find("Sec-WebSocket-Key")) upgrade_key_ = *key;
  door_ = std::make_unique<door::Door>(shard_.policy().door, door::Handshake{.request = &request_, .secure = request_.secure});
  connection_.set_phase(Connection::Phase::deciding);
  shard_.loop().disarm(connection_);
  drive();
}

std::optional<Refusal> Entrance::readiness() {
  const auto now = shard_.loop().now();
  if (shard_.draining()) return Refusal{.cause = Cause::DRAINING, .retry_after = Millis{1'000 + static_cast<std::int64_t>(shard_.deps().entropy.below(4'000))}};
  if (full_) return full_;
  if (auto refusal = shard_.deps().gauges.handshake(now)) return refusal;
  return shard_.deps().addresses.handshake(address_, now);
}

std::optional<Refusal> Entrance::capacity(const Identity& identity) {
  auto address = shard_.deps().addresses.connect(address_, shard_.loop().now());
  if (!address) return std::move(address).error();
  address_pass_ = std::move(*address);
  if (identity.user.empty()) return std::nullopt;
  auto user = shard_.deps().users.connect(identity.user);
  if (!user) return std::move(user).error();
  user_pass_ = std::move(*user);
  return std::nullopt;
}

void Entrance::drive() {
  while (true) {
    auto next = door_->next(shard_.deps().clock);
    if (std::holds_alternative<door::AskReadiness>(next)) {
      door_->readiness(readiness());
    } else if (auto* token = std::get_if<door::AskToken>(&next)) {
      auto verified = shard_.deps().verifier.verify(token->token, shard_.loop().wall());
      if (!verified && verified.error().cause == Cause::KEY_UNKNOWN && shard_.deps().refresh_keys) {
        token_ = std::move(token->token);
        waiting_ = true;
        return shard_.refresh_keys(connection_.id(), [](Connection& connection, Result<bool> newer) { connection.keys_answered(std::move(newer)); });
      }
      door_->token(std::move(verified));
    } else if (auto* ticket = std::get_if<door::AskTicket>(&next)) {
      waiting_ = true;
      shard_.deps().auth_service.redeem_ticket({.ticket = std::move(ticket->ticket), .origin = ticket->origin, .address = address_, .attempt = shard_.deps().entropy.short_id(), .ref = ref_},
                                               shard_.identity_answer(connection_.id()));
      return;
    } else if (auto* cookie = std::get_if<door::AskCookie>(&next)) {
      waiting_ = true;
      shard_.deps().auth_service.check_cookie({.cookie = std::move(cookie->cookie), .address = address_, .ref = ref_}, shard_.identity_answer(connection_.id()));
      return;
    } else if (auto* revocation = std::get_if<door::AskRevocation>(&next)) {
      user_ = revocation->identity->user.str();
      door_->revocation(shard_.deps().revocations.check(*revocation->identity, shard_.loop().now()));
    } else if (auto* ask = std::get_if<door::AskCapacity>(&next)) {
      user_ = ask->identity->user.str();
      door_->capacity(capacity(*ask->identity));
    } else if (std::holds_alternative<door::AwaitFirstMessage>(next)) {
      return await_first_message();
    } else {
      auto& outcome = std::get<door::Verdict>(next).outcome;
      if (outcome) admit(std::move(*outcome));
      else tell(std::move(outcome).error());
      return;
    }
  }
}

void Entrance::keys_answered(Result<bool> newer) {
  if (finished_ || !waiting_ || !door_) return;
  waiting_ = false;
  const std::string token = std::exchange(token_, {});
  // Without an answer the old keys say nothing about a new one.
  if (newer) door_->token(shard_.deps().verifier.verify(token, shard_.loop().wall()));
  else door_->token(std::unexpected(std::move(newer).error()));
  drive();
}

void Entrance::answered(Result<Identity> identity) {
  if (finished_ || !waiting_ || !door_) return;
  waiting_ = false;
  if (identity) {
    // What was revoked while the auth service's answer was under way is not in it.
    auto refusal = shard_.deps().revocations.check(*identity, shard_.loop().now());
    if (refusal && refusal->cause != Cause::REVOCATION_UNCHECKED) identity = std::unexpected(std::move(*refusal));
  }
  door_->identity(std::move(identity));
  drive();
}

void Entrance::upgrade(std::string_view subprotocol, bool flush_early) {
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
  head += wire::accept_key(upgrade_key_);
  if (!subprotocol.empty()) {
    head += "\r\nSec-WebSocket-Protocol: ";
    head += subprotocol;
  }
  head += "\r\nX-Foyer: ";
  head += shard_.deps().router.mark(ref_);
  head += "\r\n\r\n";
  connection_.transport().send_copy(head);
  upgraded_ = true;
  if (!flush_early) early_.clear();
}

void Entrance::await_first_message() {
  auto pending = shard_.deps().gauges.pending();
  if (!pending) {
    door_->cannot_await(std::move(pending).error());
    return drive();
  }
  pending_ = std::move(*pending);
  upgrade(door_->selected_subprotocol(), true);
  connection_.set_phase(Connection::Phase::authenticating);
  arm(shard_.policy().authenticate_timeout);
  if (early_.empty()) return;
  const std::string frames = std::exchange(early_, {});
  connection_.feed_frames(shard_.padded(frames));
}

void Entrance::on_first_message(std::string_view text) {
  if (finished_ || waiting_) return;
  auto read = shard_.decoder().read(text);
  if (const auto* command = std::get_if<protocol::Command>(&read); command != nullptr && command->type == protocol::CommandType::authenticate) {
    authenticate_id_ = command->id;
    std::optional<std::string> token, ticket;
    if (!command->token.empty()) token = std::string(command->token);
    if (!command->ticket.empty()) ticket = std::string(command->ticket);
    connection_.set_phase(Connection::Phase::deciding);
    shard_.loop().disarm(connection_);
    door_->first_message(std::move(token), std::move(ticket));
    return drive();
  }
  const auto* bad = std::get_if<protocol::BadCommand>(&read);
  door_->first_message_other(bad == nullptr ? "another command" : bad->what);
  drive();
}

void Entrance::on_first_binary() {
  if (finished_ || waiting_) return;
  door_->first_message_other("a binary message");
  drive();
}

bool Entrance::hold(std::string_view text) {
  held_bytes_ += text.size();
  if (held_bytes_ > kEarlyBytes) return false;
  held_.emplace_back(text);
  return true;
}

// Verdicts

void Entrance::admit(Admission admission) {
  pending_.release();
  if (!upgraded_) upgrade(door_->selected_subprotocol(), true);
  if (shard_.deps().log.enabled(Level::debug))
    shard_.deps().log.debug("admitted", "a connection was admitted",
                          {{"ref", ref_.view()}, {"user", admission.identity.user.view()}, {"address", address_}, {"path", printable(path_)}, {"steps", describe(door_->times())}});
  const bool echo = door_->socket() != nullptr && door_->socket()->path == "/ws/echo";
  const std::string frames = std::exchange(early_, {});
  const auto held = std::move(held_);
  finished_ = true;
  connection_.enter({.identity = std::move(admission.identity),
                     .service = echo ? Connection::Service::echo : Connection::Service::chat,
                     .address = address_,
                     .user_pass = std::move(user_pass_),
                     .address_pass = std::move(address_pass_),
                     .id = authenticate_id_});
  for (const auto& text : held) connection_.take_text(shard_.padded(text));
  if (!frames.empty()) connection_.feed_frames(shard_.padded(frames));
}

void Entrance::report(const Refusal& refusal) {
  RefusalRecord record{.ref = ref_, .refusal = refusal, .time = shard_.loop().wall(), .user = user_, .address = address_, .origin = origin_, .path = path_};
  if (door_) record.times = door_->times();
  shard_.deps().addresses.refused(address_, refusal.cause, shard_.loop().now());
  shard_.deps().reporter.report(std::move(record));
}

void Entrance::tell(Refusal refusal) {
  report(refusal);
  pending_.release();
  const bool in_band = upgraded_ || door_->tell_by_close(refusal);
  std::optional<Pass> refusal_pass;
  if (in_band && !upgraded_) refusal_pass = shard_.deps().gauges.refusal_upgrade();
  if (!upgraded_ && (!in_band || !refusal_pass)) {
    last_request_ = true;
    return respond_problem(refusal);
  }
  if (!upgraded_) upgrade(door_->refusal_subprotocol(), false);
  std::string json, frame;
  protocol::authentication_error(json, authenticate_id_, refusal, ref_, shard_.policy().reveal);
  wire::append_frame(frame, wire::Opcode::text, json);
  connection_.transport().send_copy(frame);
  finished_ = true;
  if (refusal_pass) connection_.hold(std::move(*refusal_pass));
  std::string reason(refusal.code());
  reason += ' ';
  reason += ref_.view();
  connection_.close(refusal.info().close == 0 ? info(Cause::INTERNAL_ERROR).close : refusal.info().close, reason);
}

} // namespace foyer::gateway

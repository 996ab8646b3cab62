#include "gateway/handshake.h"

#include <charconv>

#include "admission/evidence.h"
#include "base/bytes.h"
#include "gateway/shard.h"
#include "gateway/websocket_link.h"
#include "wire/problem.h"
#include "wire/websocket.h"

namespace foyer::gateway {
namespace {

// Limit of the messages that wait for the decision.
constexpr std::size_t kHeldBytes = 128 * 1024;
// Limit of the frames that arrive before the 101.
constexpr std::size_t kEarlyBytes = 128 * 1024;
constexpr std::string_view kEchoPath = "/ws/echo"; // needs no store

// Reads ?features=a,b&max_message=N. Malformed values are ignored; the answer echoes the terms that were understood.
protocol::ClientTerms terms_in(const Request& request) {
  protocol::ClientTerms terms;
  if (request.query.empty()) return terms;
  for (const std::string& list : admission::query_values(request, "features"))
    terms.name(protocol::features_of_list(list));
  for (const std::string& text : admission::query_values(request, "max_message")) {
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (error == std::errc{} && end == text.data() + text.size()) terms.limit(bytes);
  }
  return terms;
}

} // namespace

Handshake::Handshake(WebSocketLink& link, http::Upgrade upgrade)
    : link_(link),
      shard_(link.shard()),
      http_(*upgrade.answers),
      request_(std::move(upgrade.request)),
      full_(std::move(upgrade.permits.full)),
      early_(std::move(upgrade.early_bytes)),
      handshake_permit_(std::move(upgrade.permits.handshake)),
      arriving_(std::move(upgrade.permits.address)),
      terms_(terms_in(request_)),
      input_ended_(upgrade.input_ended) {}

Handshake::~Handshake() = default;

void Handshake::begin() {
  door_ = std::make_unique<admission::Door>(
      shard_.policy().door, admission::Handshake{.request = &request_, .secure = request_.secure});
  drive();
}

// The first frames must be kept without gaps. More than kEarlyBytes before the 101 end the handshake: a WebSocket
// client waits for the 101.
void Handshake::on_bytes(std::string_view bytes) {
  if (decided()) return;
  if (bytes.size() <= kEarlyBytes - early_.size()) {
    early_.append(bytes);
    return;
  }
  const Refusal refusal{.cause = Cause::PIPELINE_LIMIT,
      .evidence = "more than " + std::to_string(kEarlyBytes) + " bytes sent after a request, before its answer",
      .retry_after = Millis{1'000}};
  report(refusal);
  answer_over_http(refusal, true);
}

// A client that half-closed may still read an answer, but no auth service and no application is asked on its behalf.
void Handshake::on_eof() {
  input_ended_ = true;
  if (phase_ == Phase::checking_token) return;
  phase_ = Phase::decided;
  link_.transport().abort();
}

void Handshake::on_timer() {
  if (phase_ != Phase::awaiting_message) return; // requests to auth service and application have their own deadlines
  door_->first_message_timeout();
  drive();
}

void Handshake::shut_down() {
  if (phase_ != Phase::awaiting_message) return;
  phase_ = Phase::decided;
  link_.close_for_shutdown();
}

std::optional<Refusal> Handshake::readiness() {
  const auto now = shard_.loop().now();
  if (shard_.draining())
    return Refusal{.cause = Cause::DRAINING,
        .retry_after = Millis{1'000 + static_cast<std::int64_t>(shard_.deps().entropy.below(4'000))}};
  if (full_) return full_;
  if (auto refusal = lost_store()) return refusal;
  if (auto refusal = shard_.deps().gauges.handshake(now)) return refusal;
  return shard_.deps().addresses.handshake(request_.address, now);
}

// Another process owns the chat store: an admitted client would receive no messages.
std::optional<Refusal> Handshake::lost_store() const {
  const auto& lost = shard_.lost_store();
  if (!lost || request_.path.ends_with(kEchoPath)) return std::nullopt;
  Refusal refusal = *lost;
  refusal.retry_after = Millis{1'000 + static_cast<std::int64_t>(shard_.deps().entropy.below(4'000))};
  return refusal;
}

std::optional<Refusal> Handshake::capacity(const Identity& identity) {
  if (auto refusal = lost_store()) return refusal;
  auto address = shard_.deps().addresses.connect(request_.address, shard_.loop().now());
  if (!address) return std::move(address).error();
  address_permit_ = std::move(*address);
  if (identity.user.empty()) return std::nullopt;
  auto user = shard_.deps().users.connect(identity.user);
  if (!user) return std::move(user).error();
  user_permit_ = std::move(*user);
  return std::nullopt;
}

void Handshake::drive() {
  phase_ = Phase::deciding;
  while (true) {
    auto next = door_->next(shard_.deps().clock);
    if (std::holds_alternative<admission::AskReadiness>(next)) {
      door_->readiness(readiness());
    } else if (auto* token = std::get_if<admission::AskToken>(&next)) {
      token_ = std::move(token->token);
      if (!shard_.loop().costly().has_time()) return check_token_later();
      if (!judge_token()) return;
    } else if (auto* ticket = std::get_if<admission::AskTicket>(&next)) {
      phase_ = Phase::asking_service;
      shard_.deps().auth_service.redeem_ticket({.ticket = std::move(ticket->ticket),
                                                   .origin = ticket->origin,
                                                   .address = request_.address,
                                                   .attempt = shard_.deps().entropy.short_id(),
                                                   .ref = request_.ref},
          shard_.identity_answer(link_.id()));
      return;
    } else if (auto* cookie = std::get_if<admission::AskCookie>(&next)) {
      phase_ = Phase::asking_service;
      shard_.deps().auth_service.check_cookie(
          {.cookie = std::move(cookie->cookie), .address = request_.address, .ref = request_.ref},
          shard_.identity_answer(link_.id()));
      return;
    } else if (auto* revocation = std::get_if<admission::AskRevocation>(&next)) {
      user_ = revocation->identity->user.str();
      door_->revocation(shard_.deps().revocations.check(*revocation->identity, shard_.loop().now()));
    } else if (auto* application = std::get_if<admission::AskApplication>(&next)) {
      return ask_application(*application->identity);
    } else if (auto* ask = std::get_if<admission::AskCapacity>(&next)) {
      user_ = ask->identity->user.str();
      door_->capacity(capacity(*ask->identity));
    } else if (std::holds_alternative<admission::AwaitFirstMessage>(next)) {
      return await_first_message();
    } else {
      auto& outcome = std::get<admission::Verdict>(next).outcome;
      if (outcome)
        admit(std::move(*outcome));
      else
        send_refusal(std::move(outcome).error());
      return;
    }
  }
}

void Handshake::check_token_later() {
  phase_ = Phase::checking_token;
  shard_.loop().costly().later(
      [&shard = shard_, id = link_.id()] { shard.with_handshake(id, [](Handshake& self) { self.check_token(); }); });
}

void Handshake::check_token() {
  if (phase_ == Phase::checking_token && judge_token()) drive();
}

bool Handshake::judge_token() {
  auto verified =
      shard_.loop().costly().now([&] { return shard_.deps().verifier.verify(token_, shard_.loop().wall()); });
  if (!verified && verified.error().cause == Cause::KEY_UNKNOWN && !newest_keys_ && shard_.deps().refresh_keys) {
    phase_ = Phase::checking_token;
    shard_.refresh_keys(token_, [&shard = shard_, id = link_.id()](Result<bool> newer) mutable {
      shard.with_handshake(id, [&](Handshake& self) { self.keys_answered(std::move(newer)); });
    });
    return false;
  }
  token_.clear();
  door_->token(std::move(verified));
  return true;
}

void Handshake::keys_answered(Result<bool> newer) {
  if (phase_ != Phase::checking_token) return;
  newest_keys_ = true;
  if (newer) return shard_.loop().costly().has_time() ? check_token() : check_token_later();
  // Without newer keys, a token with an unknown key cannot be judged.
  door_->token(std::unexpected(std::move(newer).error()));
  drive();
}

void Handshake::answered(Result<Identity> identity) {
  if (phase_ != Phase::asking_service) return;
  if (identity) {
    // The auth service's answer does not cover revocations made since, nor those in the chat store.
    const auto& revocations = shard_.deps().revocations;
    const MonoTime now = shard_.loop().now();
    auto refusal = revocations.check(*identity, now);
    if (refusal && refusal->cause == Cause::REVOCATION_UNCHECKED &&
        revocations.current(now, auth::RevocationSource::chat_store))
      refusal.reset();
    if (refusal) identity = std::unexpected(std::move(*refusal));
  }
  door_->identity(std::move(identity));
  drive();
}

void Handshake::upgrade(std::string_view subprotocol, bool flush_early) {
  const std::string* key = request_.headers.find("Sec-WebSocket-Key");
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
  head += wire::accept_key(key == nullptr ? std::string_view{} : *key);
  if (!subprotocol.empty()) {
    head += "\r\nSec-WebSocket-Protocol: ";
    head += subprotocol;
  }
  // Without extensions if the socket only gets a refusal and is closed at once.
  if (flush_early) {
    const std::string* agent = request_.headers.find("User-Agent");
    const std::string agreed = link_.agree_on_extensions(
        request_.headers.joined("Sec-WebSocket-Extensions"), agent == nullptr ? std::string_view{} : *agent);
    if (!agreed.empty()) head += "\r\nSec-WebSocket-Extensions: " + agreed;
  }
  head += "\r\nX-Foyer: ";
  head += shard_.deps().router.mark(request_.ref);
  head += "\r\n\r\n";
  link_.transport().send_copy(head);
  upgraded_ = true;
  link_.upgraded();
  handshake_permit_.release();
}

void Handshake::await_first_message() {
  auto pending = shard_.deps().gauges.pending();
  if (!pending) {
    door_->cannot_await(std::move(pending).error());
    return drive();
  }
  pending_ = std::move(*pending);
  upgrade(door_->selected_subprotocol(), true);
  phase_ = Phase::awaiting_message;
  link_.set_phase(Link::Phase::authenticating);
  shard_.loop().arm(link_, shard_.policy().authenticate_timeout);
  if (early_.empty()) return;
  const std::string frames = std::exchange(early_, {});
  link_.feed_frames(shard_.padded(frames));
}

void Handshake::on_first_message(std::string_view text) {
  if (phase_ != Phase::awaiting_message) return;
  auto read = shard_.codec().read_first(text);
  if (const auto* command = std::get_if<protocol::Command>(&read);
      command != nullptr && command->type == protocol::CommandType::authenticate) {
    authenticate_id_ = command->id;
    std::optional<std::string> token, ticket;
    if (!command->token.empty()) token = std::string(command->token);
    if (!command->ticket.empty()) ticket = std::string(command->ticket);
    if (command->features) terms_.name(*command->features);
    if (command->max_message) terms_.limit(*command->max_message);
    link_.set_phase(Link::Phase::deciding);
    shard_.loop().disarm(link_);
    door_->first_message(std::move(token), std::move(ticket));
    return drive();
  }
  const auto* bad = std::get_if<protocol::BadCommand>(&read);
  door_->first_message_other(bad == nullptr ? "it was another command" : bad->what);
  drive();
}

void Handshake::on_first_binary() {
  if (phase_ != Phase::awaiting_message) return;
  door_->first_message_other("it was a binary message");
  drive();
}

bool Handshake::hold(wire::Opcode kind, std::string_view payload) {
  held_bytes_ += payload.size() + sizeof held_.front(); // an empty message takes space, too
  if (held_bytes_ > kHeldBytes) return false;
  held_.emplace_back(kind, payload);
  return true;
}

// Verdicts

void Handshake::admit(Admission admission) {
  pending_.release();
  if (input_ended_ && !upgraded_) { // half-closed in the meantime: no session starts
    phase_ = Phase::decided;
    return link_.transport().abort();
  }
  if (!upgraded_) upgrade(door_->selected_subprotocol(), true);
  if (shard_.deps().log.enabled(Level::info))
    if (const auto left_out = shard_.admitted_lines().take(shard_.loop().now()))
      shard_.deps().log.info("admitted", "A connection was admitted.",
          {{"ref", request_.ref.view()}, {"user", admission.identity.user.view()}, {"address", request_.address},
              {"path", shown_path(request_.path)}, {"steps", observe::describe(door_->times())},
              {"left_out", *left_out}});
  const bool echo = door_->socket() != nullptr && door_->socket()->path == kEchoPath;
  const std::string frames = std::exchange(early_, {});
  const auto held = std::move(held_);
  const auto close_code = held_close_;
  const bool half_closed = input_ended_;
  const auto join = std::move(join_);
  phase_ = Phase::decided;
  link_.enter({.identity = std::move(admission.identity),
                  .service = echo ? Session::Service::echo : Session::Service::chat,
                  .address = request_.address,
                  .user_permit = std::move(user_permit_),
                  .address_permit = std::move(address_permit_),
                  .kept = kept_for_questions(),
                  .consent = std::move(consent_)},
      terms_, authenticate_id_);
  for (const RoomName& room : join) link_.session()->join_as_told(room);
  for (const auto& [kind, payload] : held) link_.take_message(kind, shard_.padded(payload));
  if (!frames.empty()) link_.feed_frames(shard_.padded(frames));
  if (close_code)
    link_.take_close(*close_code);
  else if (half_closed)
    link_.take_end();
}

void Handshake::report(const Refusal& refusal) {
  const std::string* origin = request_.headers.find("Origin");
  observe::RefusalRecord record{.ref = request_.ref,
      .refusal = refusal,
      .user = user_,
      .address = request_.address,
      .origin = origin == nullptr ? std::string{} : *origin,
      .path = request_.path,
      .times = door_->times()};
  shard_.deps().addresses.refused(request_.address, refusal.cause, shard_.loop().now());
  shard_.deps().reporter.report(std::move(record));
}

void Handshake::send_refusal(Refusal refusal) {
  report(refusal);
  pending_.release();
  if (upgraded_) return send_refusal_as_message(refusal, {});
  if (door_->refuse_by_close(refusal)) {
    if (auto permit = shard_.deps().gauges.refusal_upgrade()) {
      upgrade(door_->refusal_subprotocol(), false);
      return send_refusal_as_message(refusal, std::move(permit));
    }
  }
  answer_over_http(refusal, false);
}

void Handshake::answer_over_http(const Refusal& refusal, bool unread_input) {
  Response response = wire::problem(refusal, request_.ref, shard_.policy().door.reveal);
  if (refusal.cause == Cause::METHOD_NOT_ALLOWED) response.headers.add("Allow", "GET");
  handshake_permit_.release();
  arriving_.release();
  phase_ = Phase::decided;
  link_.answer_over_http(http_,
      {.request = std::move(request_), .response = std::move(response), .socket = {}, .unread_input = unread_input});
}

// Sends `authentication_error` and a Close. `permit`: if the socket was upgraded only for this.
void Handshake::send_refusal_as_message(const Refusal& refusal, std::optional<admission::Permit> permit) {
  std::string json, frame;
  const protocol::Refused refused{
      .refusal = refusal, .ref = request_.ref, .reveal = shard_.policy().door.reveal, .credential = true};
  shard_.codec().write(json, authenticate_id_, refused, terms_);
  wire::append_frame(frame, wire::Opcode::text, json);
  link_.transport().send_copy(frame);
  phase_ = Phase::decided;
  if (permit) link_.hold(std::move(*permit));
  const std::string frames = std::exchange(early_, {});
  link_.close(refusal, request_.ref, {});
  // Bytes that followed the handshake are read only to find the client's Close.
  if (!frames.empty()) link_.feed_frames(shard_.padded(frames));
  if (held_close_)
    link_.take_close(*held_close_);
  else if (input_ended_)
    link_.take_end();
}

} // namespace foyer::gateway

#include "gateway/connection.h"

#include "gateway/handshake.h"
#include "gateway/shard.h"

namespace foyer::gateway {

Connection::Connection(Shard& shard, io::Transport& transport, ConnectionId id, http::Upgrade upgrade)
    : shard_(shard),
      transport_(transport),
      id_(id),
      frames_(wire::WsRole::server, shard.policy().message_bytes),
      codec_(shard.codec()),
      connection_pass_(std::move(upgrade.permits.socket)) {
  handshake_ = std::make_unique<Handshake>(*this, std::move(upgrade));
}

Connection::~Connection() = default;

// The handshake may be decided in the middle of its own call; it is deleted behind it.
void Connection::settle() {
  if (handshake_ && handshake_->decided()) handshake_.reset();
  if (phase_ == Phase::given_back) shard_.closed(*this); // deletes this
}

void Connection::begin() {
  handshake_->begin();
  settle();
}

void Connection::answer_over_http(http::LastAnswers& http, http::LastAnswer answer) {
  phase_ = Phase::given_back;
  shard_.loop().disarm(*this);
  answer.socket = std::move(connection_pass_);
  http.answer_last(transport_, std::move(answer));
}

void Connection::on_bytes(std::span<char> bytes) {
  if (phase_ == Phase::closing) return await_close(bytes);
  if (handshake_ && !handshake_->upgraded())
    handshake_->on_bytes({bytes.data(), bytes.size()});
  else
    feed_frames(bytes);
  settle();
}

void Connection::identity_answered(Result<Identity> identity) {
  if (phase_ == Phase::closing) return; // nobody waits for it any more
  if (handshake_) handshake_->answered(std::move(identity));
  settle();
}

void Connection::keys_answered(Result<bool> newer) {
  if (phase_ == Phase::closing) return;
  if (handshake_) handshake_->keys_answered(std::move(newer));
  settle();
}

void Connection::check_token() {
  if (phase_ == Phase::closing) return;
  if (handshake_) handshake_->check_token();
  settle();
}

void Connection::on_eof() {
  if (handshake_ && !handshake_->upgraded())
    handshake_->on_eof();
  else
    take_end();
}

void Connection::take_end() {
  if (phase_ == Phase::closing) {
    if (!closing_) return;
    judge_going_away(true);
    return shut();
  }
  if (phase_ == Phase::deciding) return handshake_->hold_end();
  // What came before, perhaps in the same turn, is still answered.
  ended_ = true;
  phase_ = Phase::closing;
  shard_.loop().disarm(*this);
  transport_.close_gracefully(shard_.policy().close_linger);
}

void Connection::on_drained() {
  if (closing_) shard_.loop().arm(*this, closing_->linger); // the Close has only now left
}

void Connection::on_closed() {
  shard_.loop().disarm(*this);
  judge_going_away(transport_.was_reset()); // our Close met a proxy that was gone already
  if (opened_ != MonoTime{}) {
    const auto now = shard_.loop().now();
    shard_.ended({.way = end_way(),
                     .age = std::chrono::duration_cast<Millis>(now - opened_),
                     .idle = std::chrono::duration_cast<Millis>(now - last_byte_)},
        *this);
  }
  shard_.closed(*this); // deletes this
}

void Connection::feed_frames(std::span<char> bytes) {
  if (phase_ == Phase::closing) return await_close(bytes);
  if (phase_ == Phase::deciding && handshake_->parted()) return;
  pinged_ = false;
  heard_ = true;
  touched();
  if (!charge(bytes.size())) return await_close(bytes);
  const wire::WsError error = frames_.feed(bytes, *this);
  if (error.close != 0 && phase_ != Phase::closing) end_of_frames(error);
}

void Connection::upgraded() { opened_ = last_byte_ = shard_.loop().now(); }

void Connection::touched() { last_byte_ = shard_.loop().now(); }

std::string Connection::agree_on_extensions(std::string_view offers, std::string_view user_agent) {
  return shard_.compression().agree(offers, user_agent, send_, frames_);
}

void Connection::enter(Entered entered) {
  identity_ = std::move(entered.identity);
  service_ = entered.service;
  terms_ = entered.terms;
  address_ = std::move(entered.address);
  user_pass_ = std::move(entered.user_pass);
  address_pass_ = std::move(entered.address_pass);
  phase_ = Phase::ready;
  beat_due_ = shard_.loop().now() + shard_.policy().heartbeat_interval;
  if (identity_.user.empty()) identity_.user = UserId{"anonymous"}; // /ws/echo with echo = open
  shard_.admitted(*this);
  schedule();
  if (service_ == Service::echo) return;
  use_ = shard_.users().of(identity_.user, shard_.loop().now());
  say(entered.id, protocol::Welcome{.identity = identity_, .connection = id_, .terms = terms_});
  introduce();
}

// Frames

// False: it was too much, and this has ended.
bool Connection::charge(std::size_t bytes) {
  const auto now = shard_.loop().now();
  bytes_.charge(shard_.allowed_bytes(), now, bytes);
  if (!bytes_.flooded(shard_.allowed_bytes(), now)) return true;
  end_flood("bytes_per_s");
  return false;
}

bool Connection::on_message(wire::Opcode kind, std::string_view payload) {
  if (phase_ == Phase::closing) return true; // on to the client's Close
  shard_.metrics().received.add();
  if (phase_ == Phase::authenticating) {
    if (kind == wire::Opcode::binary)
      handshake_->on_first_binary();
    else
      handshake_->on_first_message(payload);
    return true;
  }
  if (phase_ == Phase::deciding) {
    if (!handshake_->hold(kind, payload))
      end({.cause = Cause::MESSAGE_TOO_BIG, .evidence = "while the credential was being checked"});
    return true;
  }
  if (frames_.unpacks() && !charge(payload.size())) return true; // few bytes become many
  if (service_ == Service::echo) {
    send_message(kind, payload, true);
    return true;
  }
  if (kind == wire::Opcode::binary) {
    end({.cause = Cause::UNSUPPORTED_DATA, .evidence = "a binary message"});
    return true;
  }
  codec_.read(payload, *this);
  return true;
}

void Connection::on_command(const protocol::Command& command, std::string_view text) {
  if (phase_ != Phase::ready) return;
  auto refusal = beyond_allowance(command);
  if (phase_ == Phase::ready) take_command(text, command.type, &command, command.id, std::move(refusal));
}

void Connection::take_message(wire::Opcode kind, std::span<char> payload) {
  if (phase_ == Phase::ready) on_message(kind, {payload.data(), payload.size()});
}

void Connection::take_close(std::uint16_t code) {
  if (phase_ == Phase::ready || closing_) on_close(code, {});
}

bool Connection::on_ping(std::string_view payload) {
  if (phase_ == Phase::closing) return true;
  const auto now = shard_.loop().now();
  if (commands_.take(shard_.allowed_commands(), now).count() > 0 &&
      refusals_.take(shard_.allowed_refusals(), now).count() > 0) {
    end_flood("messages_per_s, by pings");
    return true;
  }
  std::string frame;
  wire::append_frame(frame, wire::Opcode::pong, payload);
  if (fits(frame.size())) transport_.send_copy(frame);
  return true;
}

bool Connection::on_pong(std::string_view) { return true; }

bool Connection::on_close(std::uint16_t code, std::string_view) {
  if (phase_ == Phase::deciding) {
    handshake_->hold_close(code);
    return false;
  }
  they_closed_ = true;
  if (phase_ == Phase::closing) { // the answer to ours: now TCP ends, and the server ends it (RFC 6455 §7.1.1)
    if (closing_) shut();
    return false;
  }
  // The code is echoed (RFC 6455 §5.5.1); 1005 means that there was none.
  close(code, {});
  shut();
  return false;
}

// Saying things

void Connection::say(MessageId id, const protocol::SessionMessage& message) {
  std::string& out = shard_.scratch();
  out.clear();
  codec_.write(out, id, message, terms_);
  send_message(wire::Opcode::text, out, false);
}

void Connection::reply(MessageId id, const protocol::SessionMessage& message) {
  if (phase_ != Phase::ready) return;
  if (!packs() && protocol::is_long(message)) { // framed in place, and handed over without a copy
    std::string frame(wire::kFrameRoom, '\0');
    codec_.write(frame, id, message, terms_);
    wire::frame_in_place(frame, wire::Opcode::text);
    touched();
    if (fits(frame.size(), true)) transport_.send(share(std::move(frame)));
    return;
  }
  std::string& out = shard_.scratch();
  out.clear();
  codec_.write(out, id, message, terms_);
  send_message(wire::Opcode::text, out, true);
}

void Connection::send_message(wire::Opcode kind, std::string_view payload, bool is_answer) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  if (packs())
    shard_.compression().append_message(frame, kind, payload, send_);
  else
    wire::append_frame(frame, kind, payload);
  touched();
  if (fits(frame.size(), is_answer)) transport_.send_copy(frame);
}

void Connection::deliver(const SharedBytes& frame) {
  if (phase_ != Phase::ready) return;
  if (packs())
    hand_over(shard_.compression().pack(frame, send_));
  else
    hand_over(frame);
}

void Connection::hand_over(const SharedBytes& frame) {
  touched();
  if (transport_.send_within(frame, shard_.policy().outbox_bytes))
    answers_ = 0; // none needs more room any more
  else if (fits(frame->size()))
    transport_.send(frame);
}

bool Connection::fits(std::size_t bytes, bool is_answer) {
  const std::size_t queued = transport_.queued();
  if (queued == 0) answers_ = 0;
  // Whoever has read everything is not slow, however long the next message is.
  if (queued == 0) {
    if (is_answer) answers_ += bytes;
    return true;
  }
  const GatewayPolicy& policy = shard_.policy();
  if (queued + bytes <= policy.outbox_bytes + (is_answer ? policy.answer_bytes : answers_)) {
    if (is_answer) answers_ += bytes;
    return true;
  }
  const std::string dropped = "queued=" + std::to_string(transport_.drop_queue());
  end({.cause = Cause::SLOW_CONSUMER, .evidence = dropped, .retry_after = Millis{0}}, dropped);
  return false;
}

Ref Connection::report(const Refusal& refusal) {
  Ref ref{shard_.deps().entropy.short_id()};
  report_as(ref, refusal);
  return ref;
}

void Connection::report_as(const Ref& ref, Refusal refusal) {
  const std::string_view address = address_.empty() ? transport_.peer_address() : address_;
  shard_.deps().reporter.report(ref, std::move(refusal), address, identity_.user.str());
}

void Connection::send_refusal(MessageId id, Refusal refusal) {
  if (phase_ != Phase::ready) return;
  const Ref ref = report(refusal);
  // As an answer: a client that sends too much at once learns it, and is not slow for that.
  reply(id, protocol::Refused{.refusal = std::move(refusal), .ref = ref, .reveal = shard_.policy().door.reveal});
}

// A command beyond the allowance is refused and costs of a second, larger one;
// whoever has used up that, too, does not listen.
std::optional<Refusal> Connection::beyond_allowance(const protocol::Command& command) {
  const auto now = shard_.loop().now();
  const std::uint64_t cost = protocol::cost_of(command);
  std::string_view limit = "messages_per_s";
  Millis wait =
      commands_.take(shard_.allowed_commands(), now, std::min<std::uint64_t>(cost, shard_.policy().messages_burst));
  if (wait.count() == 0) {
    limit = "bytes_per_s";
    wait = bytes_.overdrawn(shard_.allowed_bytes(), now);
  }
  if (wait.count() == 0) {
    limit = "user_messages_per_s";
    wait = use_->command(now, cost);
  }
  if (wait.count() == 0) return std::nullopt;
  if (refusals_.take(shard_.allowed_refusals(), now).count() > 0) end_flood(limit);
  return Refusal{.cause = Cause::RATE_LIMITED, .evidence = std::string(limit), .retry_after = wait};
}

void Connection::end_flood(std::string_view limit) {
  end({.cause = Cause::FLOODING, .evidence = std::string(limit), .retry_after = Millis{10'000}});
}

void Connection::on_bad_command(const protocol::BadCommand& bad, std::string_view text) {
  if (phase_ != Phase::ready) return;
  if (bad_.one_more_is_too_many(shard_.loop().now(), shard_.policy().bad_messages))
    return end({.cause = Cause::TOO_MANY_BAD_MESSAGES, .evidence = bad.what, .retry_after = Millis{10'000}});
  take_command(text, protocol::CommandType::ping, nullptr, bad.id,
      Refusal{.cause = Cause::BAD_MESSAGE, .evidence = bad.what, .field = bad.field});
}

void Connection::end(Refusal refusal, std::string_view more) {
  if (phase_ == Phase::closing) return;
  const Ref ref = report(refusal);
  close_for(refusal, ref, more);
}

void Connection::send_closing(Millis retry_after) {
  if (!chats()) return;
  say(std::nullopt, protocol::Closing{retry_after});
}

void Connection::shut_down() {
  if (phase_ == Phase::closing) return;
  if (phase_ == Phase::ready) return close_for_shutdown();
  if (handshake_) handshake_->shut_down();
  settle();
}

// Time

void Connection::schedule() {
  const auto now = shard_.loop().now();
  const auto wall = shard_.loop().wall();
  auto wait = std::chrono::ceil<Millis>(beat_due_ - now);
  if (identity_.expires_at != WallTime{}) {
    const auto end = identity_.expires_at + shard_.policy().leeway;
    const auto next = expiry_told_ ? end : identity_.expires_at - shard_.policy().token_warning;
    wait = std::min(wait, std::chrono::duration_cast<Millis>(next - wall));
  }
  shard_.loop().arm(*this, std::max(Millis{0}, wait));
}

void Connection::on_timer() {
  if (closing_) return give_up_waiting();
  if (handshake_) {
    handshake_->on_timer();
    return settle();
  }
  if (phase_ != Phase::ready) return;
  const auto now = shard_.loop().now();
  const auto wall = shard_.loop().wall();
  if (identity_.expires_at != WallTime{}) {
    if (wall >= identity_.expires_at + shard_.policy().leeway)
      return end({.cause = Cause::TOKEN_EXPIRED, .evidence = "the token of an open connection came to its end"});
    if (!expiry_told_ && wall >= identity_.expires_at - shard_.policy().token_warning) {
      expiry_told_ = true;
      if (service_ == Service::chat) say(std::nullopt, protocol::TokenExpiring{identity_.expires_at});
    }
  }
  if (order_.stuck(now))
    return end({.cause = Cause::BUSY,
        .evidence = "a command was not answered in time, and others wait for it",
        .retry_after = Millis{1'000}});
  if (now >= beat_due_) {
    if (pinged_)
      return end({.cause = Cause::HEARTBEAT_TIMEOUT, .evidence = "no answer to a ping", .retry_after = Millis{0}});
    if (beat_is_wait_) {
      beat_is_wait_ = false;
      beat_due_ += shard_.policy().heartbeat_interval - shard_.policy().heartbeat_timeout;
    } else {
      pinged_ = beat_is_wait_ = true;
      transport_.send_copy(std::string_view("\x89\x00", 2));
      touched();
      beat_due_ = now + shard_.policy().heartbeat_timeout;
    }
  }
  schedule();
}

void Connection::check_revocation() {
  if (phase_ != Phase::ready) return;
  auto refusal = shard_.deps().revocations.check(identity_, shard_.loop().now());
  // "Could not check" ends nothing that is established.
  if (refusal && refusal->cause != Cause::REVOCATION_UNCHECKED) end(std::move(*refusal));
}

} // namespace foyer::gateway

#include "gateway/link.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "gateway/session.h"
#include "gateway/shard.h"

namespace foyer::gateway {

constexpr std::uint16_t kAppCodes = 4000, kLastAppCode = 4999; // close codes for private use (RFC 6455 §7.4.2)

Link::Link(Shard& shard, io::Transport& transport, ConnectionId id, admission::Permit place)
    : place_(std::move(place)),
      id_(id),
      shard_(shard),
      transport_(transport),
      codec_(shard.codec()) {}

Link::~Link() = default;

void Link::touched() { last_byte_ = shard_.loop().now(); }

MonoTime Link::heard() const { return bytes_.charged(shard_.loop().now()); }

// The outbox

void Link::hand_over(const SharedBytes& frame) {
  touched();
  if (transport_.send_within(frame, shard_.policy().outbox_bytes))
    answers_ = 0; // the queue is empty: no answer needs extra room any more
  else if (fits(frame->size()))
    transport_.send(frame);
}

bool Link::fits(std::size_t bytes, Lane lane) {
  const bool is_answer = lane == Lane::answer;
  const std::size_t queued = transport_.queued();
  if (queued == 0) answers_ = 0;
  const GatewayPolicy& policy = shard_.policy();
  // A client that has read everything is not slow, even if the next message is longer than the limit.
  if (queued == 0 || queued + bytes <= policy.outbox_bytes + (is_answer ? policy.answer_bytes : answers_)) {
    if (is_answer) answers_ = static_cast<std::uint32_t>(std::min<std::size_t>(answers_ + bytes, UINT32_MAX));
    return true;
  }
  const std::string dropped = "queued=" + std::to_string(transport_.drop_queue());
  end({.cause = Cause::SLOW_CONSUMER, .evidence = dropped, .retry_after = Millis{0}}, dropped);
  return false;
}

// Reporting

Ref Link::report(const Refusal& refusal) {
  Ref ref{shard_.deps().entropy.short_id()};
  report_as(ref, refusal);
  return ref;
}

void Link::report_as(const Ref& ref, Refusal refusal) {
  if (session_)
    shard_.deps().reporter.report(
        ref, std::move(refusal), session_->address(), std::string(session_->identity().user()));
  else
    shard_.deps().reporter.report(ref, std::move(refusal), transport_.peer_address());
}

void Link::end(Refusal refusal, std::string_view more) {
  if (phase_ == Phase::closing) return;
  const Ref ref = report(refusal);
  close(refusal, ref, more);
}

void Link::disconnect(std::uint16_t code, std::string_view reason) {
  if (phase_ == Phase::closing) return;
  std::string said = code == 0 ? std::string{} : std::to_string(code);
  if (!reason.empty()) said += (said.empty() ? "" : " ") + std::string(reason);
  Refusal refusal{.cause = Cause::DISCONNECTED_BY_APP, .evidence = printable(said)};
  if (code < kAppCodes || code > kLastAppCode) return end(std::move(refusal), said);
  const Ref ref = report(refusal);
  close_as(code, reason.empty() ? fmt::format("{} {}", refusal.code(), ref.view()) : std::string(reason));
}

void Link::end_flood(std::string_view limit) {
  end({.cause = Cause::FLOODING, .evidence = std::string(limit), .retry_after = Millis{10'000}});
}

// Allowances

Link::Faults& Link::faults() {
  if (!faults_) faults_ = std::make_unique<Faults>();
  return *faults_;
}

bool Link::charge(std::size_t bytes) {
  const auto now = shard_.loop().now();
  bytes_.charge(shard_.allowed_bytes(), now, bytes);
  if (!bytes_.flooded(shard_.allowed_bytes(), now)) return true;
  end_flood("bytes_per_s");
  return false;
}

bool Link::charge_ping() {
  const auto now = shard_.loop().now();
  if (commands_.take(shard_.allowed_commands(), now).count() == 0 ||
      faults().refusals.take(shard_.allowed_refusals(), now).count() == 0)
    return true;
  end_flood("messages_per_s, exceeded by pings");
  return false;
}

// A command beyond the allowance is refused and charged to a second, larger allowance. A client that uses up that one,
// too, ignores refusals and is disconnected.
std::optional<Refusal> Link::beyond_allowance(std::uint64_t cost) {
  const auto now = shard_.loop().now();
  std::string_view limit = "messages_per_s";
  Millis wait =
      commands_.take(shard_.allowed_commands(), now, std::min<std::uint64_t>(cost, shard_.policy().messages_burst));
  if (wait.count() == 0) {
    limit = "bytes_per_s";
    wait = bytes_.overdrawn(shard_.allowed_bytes(), now);
  }
  if (wait.count() == 0) {
    limit = "user_messages_per_s";
    wait = session_->charge_user(now, cost);
  }
  if (wait.count() == 0) return std::nullopt;
  if (faults().refusals.take(shard_.allowed_refusals(), now).count() > 0) end_flood(limit);
  return Refusal{.cause = Cause::RATE_LIMITED, .evidence = std::string(limit), .retry_after = wait};
}

bool Link::one_bad_message_too_many() {
  return faults().bad.one_more_is_too_many(shard_.loop().now(), shard_.policy().bad_messages);
}

} // namespace foyer::gateway

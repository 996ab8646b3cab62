#include "auth/revocation_stream.h"

#include <fmt/format.h>

#include <mutex>

#include "auth/answer.h"
#include "auth/back_off.h"
#include "auth/contract/messages.h"
#include "base/words.h"

namespace foyer::auth {
namespace {

constexpr std::string_view kRevocationsRequest = "POST /internal/revocations";
constexpr Millis kAnswerTime{5'000}; // beyond the requested wait
constexpr Millis kPause{100};        // before the next poll, when an answer came at once and was empty

} // namespace

struct RevocationStream::Poller : std::enable_shared_from_this<Poller> {
  Poller(Context a, const ServiceIdentity& i, StreamPolicy p)
      : around(a),
        identity(i),
        policy(p),
        answered(a.metrics.counter("foyer_revocation_polls_total", "Requests for revocations to the auth service.",
            {{"outcome", "answered"}})),
        failed(a.metrics.counter("foyer_revocation_polls_total", "Requests for revocations to the auth service.",
            {{"outcome", "failed"}})) {}

  Context around;
  const ServiceIdentity& identity;
  const StreamPolicy policy;
  Counter& answered;
  Counter& failed;
  OnEvents on_events;
  OnSynchronised synchronised;
  std::string stream = {}; // the table that the cursor belongs to
  bool known_stream = false;
  std::int64_t cursor = 0;
  bool caught_up = false; // the last poll was answered completely: the next may wait
  BackOff back_off;
  mutable std::mutex mutex; // guards only the status
  StreamStatus status;

  void ask_after(Millis delay);
  void ask();
  void on_answer(
      const client::HttpResult& result, std::string_view nonce, WallTime sent, MonoTime sent_mono, Millis wait);
  void take(RevocationAnswer answer, WallTime sent, bool at_once);
  void begin_again(RevocationAnswer& answer);
  void succeeded(WallTime sent);
  void fault(Refusal refusal);
};

void RevocationStream::Poller::ask_after(Millis delay) {
  around.control.after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->ask();
  });
}

// The first poll, and the first after a fault, does not wait for events: knowing
// that there are none is useful at once.
void RevocationStream::Poller::ask() {
  const Millis wait = caught_up ? policy.wait : Millis{0};
  const WallTime sent = around.clock.wall();
  Call call{.method = "POST",
      .target = std::string(kRevocationsPath),
      .headers = {{"Content-Type", "application/json"}},
      .body = json::write(encode(RevocationRequest{.after = cursor, .wait = wait}))};
  call.connect_timeout = policy.connect_timeout;
  call.timeout = wait + kAnswerTime;
  call.own_connection = true;
  std::string nonce = identity.sign(call.headers, call.method, call.target, call.body, {}, sent, around.entropy);
  around.transport.send(std::move(call),
      [weak = weak_from_this(), nonce = std::move(nonce), sent, wait, sent_mono = around.clock.mono()](
          client::HttpResult result) {
    if (const auto self = weak.lock()) self->on_answer(result, nonce, sent, sent_mono, wait);
  });
}

void RevocationStream::Poller::on_answer(
    const client::HttpResult& result, std::string_view nonce, WallTime sent, MonoTime sent_mono, Millis wait) {
  auto body = read_answer(result, kRevocationsRequest);
  if (!body) return fault(std::move(body.error().refusal));
  auto answer = decode_revocation_answer(*body);
  if (!answer) return fault(std::move(answer).error());
  if (auto distrust = distrust_answer(*result, identity, nonce, kRevocationsRequest))
    return fault(std::move(distrust->refusal));
  const bool at_once = wait > Millis{0} && around.clock.mono() - sent_mono < kPause;
  take(std::move(*answer), sent, at_once);
}

void RevocationStream::Poller::take(RevocationAnswer answer, WallTime sent, bool at_once) {
  if (known_stream && answer.stream != stream) return begin_again(answer);
  if (answer.cursor < cursor) {
    const std::int64_t was = std::exchange(cursor, 0); // rows have vanished: the whole table is read again
    return fault({.cause = Cause::INVALID_RESPONSE_FORMAT,
        .evidence = fmt::format("{}: the cursor went back from {} to {}", kRevocationsRequest, was, answer.cursor),
        .field = "cursor"});
  }
  if (answer.cursor == cursor && (answer.more || !answer.events.empty()))
    return fault({.cause = Cause::INVALID_RESPONSE_FORMAT,
        .evidence = fmt::format(
            "{}: {}, and the cursor stays at {}", kRevocationsRequest, counted(answer.events.size(), "event"), cursor),
        .field = "cursor"});
  stream = std::move(answer.stream);
  known_stream = true;
  const bool silent = answer.events.empty();
  if (!silent) on_events(answer.events);
  cursor = answer.cursor;
  caught_up = !answer.more;
  answered.add();
  if (!answer.more) succeeded(sent);
  ask_after(at_once && silent ? kPause : Millis{0});
}

// The auth service now has another database. The rows of this answer follow a cursor that means nothing
// there.
void RevocationStream::Poller::begin_again(RevocationAnswer& answer) {
  around.log.warning(
      "revocations_begin_again", "The auth service now has another revocation table; all of its rows are loaded.");
  stream = std::move(answer.stream);
  cursor = 0;
  caught_up = false;
  ask_after(kPause);
}

void RevocationStream::Poller::succeeded(WallTime sent) {
  back_off.reset();
  bool again = false;
  {
    const std::lock_guard lock(mutex);
    again = status.fault.has_value();
    if (again || !status.since) status.since = around.clock.wall();
    status.fault.reset();
    status.last_success = sent;
  }
  if (again) around.log.info("revocations_heard_again", "Revocations from the auth service arrive again.");
  synchronised(sent);
}

void RevocationStream::Poller::fault(Refusal refusal) {
  failed.add();
  caught_up = false;
  bool first = false;
  {
    const std::lock_guard lock(mutex);
    first = !status.fault || status.fault->cause != refusal.cause;
    if (!status.fault) status.since = around.clock.wall();
    status.fault = refusal;
  }
  if (first)
    around.log.warning("revocations_not_heard", refusal.info().operator_text,
        {{"code", refusal.code()}, {"evidence", refusal.evidence}});
  ask_after(back_off.next(around.entropy));
}

RevocationStream::RevocationStream(Context around, const ServiceIdentity& identity, StreamPolicy policy)
    : poller_(std::make_shared<Poller>(around, identity, policy)) {}
RevocationStream::~RevocationStream() = default;

void RevocationStream::watch(OnEvents on_events, OnSynchronised synchronised) {
  poller_->on_events = std::move(on_events);
  poller_->synchronised = std::move(synchronised);
  poller_->ask_after(Millis{0});
}

StreamStatus RevocationStream::status() const {
  const std::lock_guard lock(poller_->mutex);
  return poller_->status;
}

} // namespace foyer::auth

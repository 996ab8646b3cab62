#include "hooks/sender.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "client/outgoing.h"
#include "client/signature.h"
#include "hooks/attempt.h"
#include "hooks/delivery.h"

namespace foyer::hooks {
namespace {

using engine::HookEvent;
using engine::HookList;
using engine::HookRow;

constexpr std::uint64_t kSweptAtOnce = 1'000; // as many as one HookOutbox::trim moves

double seconds(Millis time) { return std::chrono::duration<double>(time).count(); }

} // namespace

struct Sender::State : std::enable_shared_from_this<Sender::State> {
  struct Hook {
    HookRow row;
    Post post;
    std::string target;
    std::vector<std::string> keys; // newest first
    Delivery delivery;
    std::vector<std::uint64_t> sent = {}; // not yet deleted from the outbox
    bool deleting = false;
    bool failing = false; // the last attempt failed: logged once
    TimerId timer = 0;
  };
  using HookPtr = std::shared_ptr<Hook>;

  State(SenderDeps d, SenderPolicy p)
      : deps(std::move(d)),
        policy(p),
        attempts_sent(attempts("sent")),
        attempts_refused(attempts("refused")),
        attempts_failed(attempts("failed")),
        dead(deps.metrics.counter("foyer_webhook_dead_letters_total", "Events that were given up.")),
        requests(deps.metrics.gauge("foyer_webhook_requests", "Requests to webhooks in flight.")) {}

  SenderDeps deps;
  const SenderPolicy policy;
  Counter &attempts_sent, &attempts_refused, &attempts_failed, &dead;
  Gauge& requests;
  std::atomic<std::int64_t> oldest_ms{0}; // when the oldest event that is being sent came to the outbox; 0: none
  std::string version;
  bool looking = false;
  bool trimming = false;
  std::map<std::string, HookPtr> hooks;
  TimerId look_timer = 0, trim_timer = 0;

  Counter& attempts(std::string outcome) {
    return deps.metrics.counter(
        "foyer_webhook_attempts_total", "Attempts to send an event to a webhook.", {{"outcome", std::move(outcome)}});
  }

  // `done` on the executor, if this still exists.
  template <class T>
  Completion<T> here(std::function<void(Result<T>)> done) {
    return [weak = weak_from_this(), &control = deps.control, done = std::move(done)](Result<T> result) mutable {
      control.post([weak = std::move(weak), done = std::move(done), result = std::move(result)]() mutable {
        if (const auto self = weak.lock()) done(std::move(result));
      });
    };
  }
  [[nodiscard]] bool current(const HookPtr& hook) const {
    const auto found = hooks.find(hook->row.id);
    return found != hooks.end() && found->second == hook;
  }

  void begin();
  void end();
  void look();
  void changed(HookList list);
  void use(std::vector<HookRow> rows);
  [[nodiscard]] bool prepare(Hook& hook) const;
  void all_written();
  void stand_by();
  void pump(const HookPtr& hook);
  void send(const HookPtr& hook, HookEvent event);
  void answered(const HookPtr& hook, const HookEvent& event, const client::HttpResult& answer);
  void note(Hook& hook, const Outcome& outcome);
  void read(const HookPtr& hook, const Delivery::Page& page);
  void delete_sent(const HookPtr& hook);
  void gave_up(const Hook& hook, const Delivery::Buried& buried);
  void bury(const HookPtr& hook, Delivery::Buried buried);
  void disable(const HookPtr& hook, const std::string& why);
  void trim(const HookPtr& hook);
  void report_lag();
};

void Sender::State::begin() {
  const auto weak = weak_from_this();
  deps.metrics.gauge_callback(
      "foyer_webhook_lag_seconds", "How long the oldest event that is being sent to a webhook has waited.", [weak] {
    const auto self = weak.lock();
    if (!self) return 0.0;
    const std::int64_t since = self->oldest_ms.load(std::memory_order_relaxed);
    return since == 0 ? 0.0 : seconds(std::max(Millis{0}, self->deps.clock.wall() - from_unix_millis(since)));
  });
  deps.outbox.watch_outbox([weak, &control = deps.control] {
    control.post([weak] {
      if (const auto self = weak.lock()) self->all_written();
    });
  });
  look_timer = deps.control.every(policy.look_every, [weak] {
    if (const auto self = weak.lock()) self->look();
  });
  trim_timer = deps.control.every(policy.trim_every, [weak] {
    if (const auto self = weak.lock())
      for (const auto& [id, hook] : self->hooks) self->trim(hook);
  });
  look();
}

void Sender::State::end() {
  deps.outbox.watch_outbox({});
  for (const TimerId timer : {look_timer, trim_timer})
    if (timer != 0) deps.control.cancel(timer);
  for (const auto& [id, hook] : hooks)
    if (hook->timer != 0) deps.control.cancel(hook->timer);
  hooks.clear();
}

// --- which hooks there are

void Sender::State::look() {
  report_lag();
  if (std::exchange(looking, true)) return;
  deps.hooks.hooks_since(version, here<std::optional<HookList>>([this](Result<std::optional<HookList>> found) {
    looking = false;
    if (found && *found) changed(std::move(**found));
  }));
}

// Changes are reported to the new set before anything is sent to it, so that a new hook misses nothing.
void Sender::State::changed(HookList list) {
  looking = true;
  auto next = std::make_shared<HookList>(std::move(list));
  deps.outbox.refresh_hooks(here<bool>([this, next](Result<bool> refreshed) {
    looking = false;
    if (!refreshed) return; // the next look tries again
    version = next->version;
    use(std::move(next->hooks));
  }));
}

void Sender::State::use(std::vector<HookRow> rows) {
  std::map<std::string, HookPtr> now;
  for (HookRow& row : rows) {
    if (row.disabled) continue;
    const auto known = hooks.find(row.id);
    // A hook's URL never changes.
    HookPtr hook = known != hooks.end()
        ? known->second
        : std::make_shared<Hook>(Hook{
              .row = row, .post = {}, .target = {}, .keys = {}, .delivery = Delivery(policy.delivery, deps.entropy)});
    hook->row = std::move(row);
    if (prepare(*hook)) now.emplace(hook->row.id, std::move(hook));
  }
  for (const auto& [id, hook] : hooks)
    if (!now.contains(id) && hook->timer != 0) deps.control.cancel(std::exchange(hook->timer, 0));
  hooks = std::move(now);
  all_written();
}

bool Sender::State::prepare(Hook& hook) const {
  const auto unusable = [this, &hook](const Refusal& why) {
    deps.log.error("webhook_unusable", "A webhook cannot be used; its events wait.",
        {{"hook", hook.row.id}, {"code", why.code()}, {"evidence", why.evidence}, {"next", why.next_step()}});
    return false;
  };
  if (!deps.seal) return unusable({.cause = Cause::MISSING_STORE_KEY, .field = "STORE_KEY"});
  hook.keys.clear();
  for (const std::string* sealed : {&hook.row.secret, &hook.row.old_secret}) {
    if (sealed->empty()) continue;
    auto secret = deps.seal->open(*sealed, "hook:" + hook.row.id);
    if (!secret) return unusable(secret.error());
    auto key = client::key_of(*secret);
    if (!key) return unusable(key.error());
    hook.keys.push_back(std::move(*key));
  }
  if (hook.post) return true;
  auto server = client::outgoing(hook.row.url, client::UrlSource::operator_,
      {.connections = policy.delivery.concurrency, .waiting = policy.delivery.concurrency});
  if (!server) return unusable(server.error());
  hook.target = std::move(server->target);
  hook.post = deps.connect(std::move(server->pool));
  return true;
}

// --- sending

void Sender::State::all_written() {
  if (!deps.outbox.sends()) return stand_by();
  for (const auto& [id, hook] : hooks) hook->delivery.written();
  const auto all = hooks; // a hook may be disabled meanwhile
  for (const auto& [id, hook] : all) pump(hook);
}

// Another process sends now, what is in memory here, too. Answers that are on their way change nothing.
void Sender::State::stand_by() {
  for (auto& [id, hook] : hooks) {
    if (hook->timer != 0) deps.control.cancel(std::exchange(hook->timer, 0));
    hook = std::make_shared<Hook>(Hook{.row = std::move(hook->row),
        .post = std::move(hook->post),
        .target = std::move(hook->target),
        .keys = std::move(hook->keys),
        .delivery = Delivery(policy.delivery, deps.entropy),
        .failing = hook->failing});
  }
}

void Sender::State::pump(const HookPtr& hook) {
  if (!current(hook)) return;
  if (!deps.outbox.sends()) return stand_by();
  for (;;) {
    Delivery::Todo todo = hook->delivery.next(deps.clock.mono(), deps.clock.wall());
    if (todo.nothing()) break;
    std::ranges::copy(todo.sent, std::back_inserter(hook->sent));
    for (Delivery::Buried& buried : todo.bury) {
      gave_up(*hook, buried);
      bury(hook, std::move(buried));
    }
    if (todo.disable) return disable(hook, *todo.disable);
    for (HookEvent& event : todo.send) send(hook, std::move(event));
    if (todo.read) read(hook, *todo.read);
  }
  delete_sent(hook);
  if (hook->timer != 0) deps.control.cancel(std::exchange(hook->timer, 0));
  const auto wakes = hook->delivery.wakes();
  if (!wakes) return;
  const auto wait = std::chrono::ceil<Millis>(std::max(*wakes - deps.clock.mono(), std::chrono::nanoseconds{0}));
  hook->timer = deps.control.after(wait, [weak = weak_from_this(), weak_hook = std::weak_ptr(hook)] {
    const auto self = weak.lock();
    const auto waiting = weak_hook.lock();
    if (!self || !waiting) return;
    waiting->timer = 0;
    self->pump(waiting);
  });
}

void Sender::State::send(const HookPtr& hook, HookEvent event) {
  client::PoolCall call = request_of(event, hook->target, hook->keys, deps.user_agent, deps.clock.wall());
  call.connect_timeout = policy.connect_timeout;
  call.timeout = policy.timeout;
  requests.add(1);
  hook->post(std::move(call),
      [weak = weak_from_this(), weak_hook = std::weak_ptr(hook), event = std::move(event)](client::HttpResult answer) {
    const auto self = weak.lock();
    if (!self) return;
    self->requests.add(-1);
    if (const auto asked = weak_hook.lock()) self->answered(asked, event, answer);
  });
}

void Sender::State::answered(const HookPtr& hook, const HookEvent& event, const client::HttpResult& answer) {
  const Outcome outcome = outcome_of(answer);
  note(*hook, outcome);
  hook->delivery.answered(event.number, outcome, deps.clock.mono(), deps.clock.wall());
  pump(hook);
}

// Counts, and logs where the receiver begins and ends to fail.
void Sender::State::note(Hook& hook, const Outcome& outcome) {
  const bool sent = outcome.kind == Outcome::Kind::sent;
  (sent ? attempts_sent : outcome.kind == Outcome::Kind::refused ? attempts_refused : attempts_failed).add();
  if (std::exchange(hook.failing, !sent) == !sent) return;
  if (sent)
    deps.log.info("webhook_recovered", "A webhook accepts events again.", {{"hook", hook.row.id}});
  else
    deps.log.warning("webhook_failing", "An event could not be sent to a webhook; it is tried again.",
        {{"hook", hook.row.id}, {"code", code_of(outcome.cause)}, {"evidence", outcome.evidence},
            {"next", info(outcome.cause).next}});
}

void Sender::State::read(const HookPtr& hook, const Delivery::Page& page) {
  deps.outbox.waiting(hook->row.id, page.room, page.after, page.limit,
      here<std::vector<HookEvent>>([this, hook, page](Result<std::vector<HookEvent>> events) {
    if (events) {
      hook->delivery.read(page, std::move(*events));
      return pump(hook);
    }
    hook->delivery.read_failed(page);
    deps.control.after(policy.store_pause, [weak = weak_from_this(), hook] {
      if (const auto self = weak.lock()) self->pump(hook);
    });
  }));
}

// What could not be deleted is deleted with the next ones. A crash in between sends it again, under its id.
void Sender::State::delete_sent(const HookPtr& hook) {
  if (hook->sent.empty() || std::exchange(hook->deleting, true)) return;
  auto numbers = std::make_shared<std::vector<std::uint64_t>>(std::exchange(hook->sent, {}));
  deps.outbox.sent(hook->row.id, *numbers, here<bool>([this, hook, numbers](Result<bool> deleted) {
    hook->deleting = false;
    if (deleted) return delete_sent(hook);
    std::ranges::copy(*numbers, std::back_inserter(hook->sent));
    deps.control.after(policy.store_pause, [weak = weak_from_this(), hook] {
      if (const auto self = weak.lock()) self->delete_sent(hook);
    });
  }));
}

void Sender::State::gave_up(const Hook& hook, const Delivery::Buried& buried) {
  dead.add();
  deps.log.warning("webhook_dead_letter", "An event was given up; `foyer webhook dead` lists it.",
      {{"hook", hook.row.id}, {"tries", buried.tries}, {"why", buried.why}});
}

void Sender::State::bury(const HookPtr& hook, Delivery::Buried buried) {
  const auto kept = std::make_shared<Delivery::Buried>(std::move(buried));
  deps.outbox.bury(
      hook->row.id, kept->number, kept->tries, kept->why, here<bool>([this, hook, kept](Result<bool> done) {
    if (done) return;
    deps.control.after(policy.store_pause, [weak = weak_from_this(), hook, kept] {
      if (const auto self = weak.lock()) self->bury(hook, *kept);
    });
  }));
}

void Sender::State::disable(const HookPtr& hook, const std::string& why) {
  delete_sent(hook);
  hooks.erase(hook->row.id);
  deps.log.error("webhook_disabled", "A webhook was disabled, because its receiver wants no more events.",
      {{"hook", hook->row.id}, {"why", why}, {"next", info(Cause::WEBHOOK_GONE).next}});
  deps.hooks.disable_hook(hook->row.id, deps.clock.wall(), why, here<bool>([this](Result<bool>) { look(); }));
}

void Sender::State::trim(const HookPtr& hook) {
  deps.outbox.trim(hook->row.id, {}, here<std::uint64_t>([this, hook](Result<std::uint64_t> moved) {
    if (!moved || *moved == 0) return;
    dead.add(*moved);
    deps.log.warning("webhook_backlog", "Too many events wait for a webhook; the oldest became dead letters.",
        {{"hook", hook->row.id}, {"code", code_of(Cause::WEBHOOK_BACKLOG)}, {"events", *moved},
            {"next", info(Cause::WEBHOOK_BACKLOG).next}});
    if (*moved == kSweptAtOnce && current(hook)) trim(hook);
  }));
}

void Sender::State::report_lag() {
  std::optional<WallTime> oldest;
  for (const auto& [id, hook] : hooks)
    if (const auto of_hook = hook->delivery.oldest()) oldest = std::min(oldest.value_or(*of_hook), *of_hook);
  oldest_ms.store(oldest ? unix_millis(*oldest) : 0, std::memory_order_relaxed);
}

Sender::Sender(SenderDeps deps, SenderPolicy policy) : state_(std::make_shared<State>(std::move(deps), policy)) {}

Sender::~Sender() { state_->end(); }

void Sender::start() {
  state_->deps.control.post([weak = std::weak_ptr(state_)] {
    if (const auto self = weak.lock()) self->begin();
  });
}

} // namespace foyer::hooks

#include "asking/asker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>
#include <variant>

#include "asking/answer.h"
#include "asking/inquiry.h"
#include "asking/memory.h"
#include "asking/question.h"
#include "base/limit_metrics.h"
#include "base/log_budget.h"
#include "rooms/model/room_rules.h"

namespace foyer::asking {
namespace {

constexpr std::size_t kEvents = 4;
constexpr std::array kOutcomes = {"allowed", "refused", "failed"};
enum Outcome : std::uint8_t { allowed, refused, failed };

// What an application said: yes, with the answer of its event, or no.
using Said = std::variant<No, ConnectAnswer, RefreshAnswer, SubscribeAnswer, PublishAnswer>;
using Decode = std::function<Result<Said>(const json::Object& result, WallTime now)>;

template <class Answer>
Result<Said> as_said(Result<Answer> answer) {
  if (!answer) return std::unexpected(std::move(answer).error());
  return Said{std::move(*answer)};
}

// The end of what an answer allows; it must not be given again behind it.
std::optional<WallTime> end_of(const Said& said) {
  if (const auto* answer = std::get_if<ConnectAnswer>(&said)) return answer->expires_at;
  if (const auto* answer = std::get_if<RefreshAnswer>(&said)) return answer->expires_at;
  if (const auto* answer = std::get_if<SubscribeAnswer>(&said)) return answer->expires_at;
  return std::nullopt;
}

bool has_room(Event event) { return event == Event::subscribe || event == Event::publish; }

auth::RetryPolicy retry_policy(const Table& table) {
  return {.attempts = 3, .deadline = table.timeout, .attempt_timeout = table.timeout, .connect_timeout = table.timeout};
}

auth::BreakerPolicy breaker_policy(const Table& table) {
  auth::BreakerPolicy out;
  out.trial_limit = table.timeout;
  return out;
}

} // namespace

// One table: its questions under way, its breaker, what it remembers. On the control plane, except `reported`.
struct Asker::Desk : std::enable_shared_from_this<Asker::Desk> {
  struct Asked {
    Event event{};
    std::string body;
    KeptPtr kept;
    std::string id;  // of the request
    std::string key; // of the memory; empty: it is not remembered
    Decode decode;
    Completion<Said> done;
    MonoTime since;
    Inquiry inquiry;
    TimerId timer = 0;
    std::uint64_t serial = 0; // of the attempt or the wait; events of an earlier one are stale
  };
  using AskedPtr = std::shared_ptr<Asked>;

  Desk(const AskerDeps& d, Server s)
      : deps(d),
        server(std::move(s)),
        retry(retry_policy(server.table)),
        breaker(breaker_policy(server.table)),
        memory(server.table.ask_cache, kRemembered),
        meter(d.metrics, "ask_questions", kQuestions),
        memory_meter(d.metrics, "ask_answers", kRemembered),
        remembered(d.metrics.counter("foyer_ask_remembered_total", "Questions answered from memory.", {label()})),
        seconds(
            d.metrics.histogram("foyer_ask_seconds", "Duration of a question to the application, with all attempts.",
                {0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5}, {label()})),
        breaker_state(d.metrics.gauge("foyer_ask_breaker_state",
            "State of the circuit breaker for an application: 0 closed, 1 open, 2 trying.", {label()})) {
    for (std::size_t event = 0; event < kEvents; ++event) {
      const std::string_view word = to_string(static_cast<Event>(event));
      events[event] = std::ranges::find(server.table.events, word) != server.table.events.end();
      for (std::size_t outcome = 0; events[event] && outcome < kOutcomes.size(); ++outcome)
        questions[event][outcome] =
            &d.metrics.counter("foyer_ask_questions_total", "Questions to an application, by outcome.",
                {label(), {"event", std::string(word)}, {"outcome", kOutcomes[outcome]}});
    }
  }

  std::pair<std::string, std::string> label() const { return {"ask", server.table.name}; }
  bool covers(Event event, std::string_view room) const {
    if (!events[static_cast<std::size_t>(event)]) return false;
    return !has_room(event) || std::ranges::any_of(server.table.rooms, [&](const std::string& pattern) {
      return rooms::reaches(pattern, room);
    });
  }

  // ---- one question

  void ask(Event event, std::string key, std::string body, KeptPtr kept, Decode decode, Completion<Said> done,
      MonoTime since) {
    const auth::Moment now = auth::moment_of(deps.clock);
    if (!memory.used()) key.clear();
    if (const Said* said = key.empty() ? nullptr : memory.find(key, now.mono)) {
      const auto end = end_of(*said);
      if (!end || *end > now.wall) {
        remembered.add();
        count(event, *said);
        return done(*said);
      }
    }
    if (now.mono < quiet_until) return fail(event, done, quiet(now));
    if (under_way >= kQuestions) {
      meter.refused();
      return fail(event, done,
          {.cause = Cause::BUSY,
              .evidence = fmt::format("ask_questions: {} questions are under way", under_way),
              .retry_after = Millis{1'000}});
    }
    meter.used(++under_way);
    auto asked = std::make_shared<Asked>(Asked{.event = event,
        .body = std::move(body),
        .kept = std::move(kept),
        .id = "ask_" + deps.entropy.short_id(),
        .key = std::move(key),
        .decode = std::move(decode),
        .done = std::move(done),
        .since = since,
        .inquiry = Inquiry(retry, breaker, budget, deps.entropy, since, event != Event::publish)});
    take(asked, asked->inquiry.begin(now));
  }

  Refusal quiet(auth::Moment now) const {
    const auto left = std::chrono::ceil<Millis>(quiet_until - now.mono);
    return {.cause = Cause::APP_UNAVAILABLE,
        .evidence = fmt::format("it answered 503 and asked not to be asked for another {} ms", left.count()),
        .retry_after = left};
  }

  void take(const AskedPtr& asked, Inquiry::Step step) {
    report_breaker();
    if (auto* end = std::get_if<Inquiry::End>(&step)) return finish(asked, std::unexpected(std::move(end->refusal)));
    const std::uint64_t serial = ++asked->serial;
    if (const auto* wait = std::get_if<Inquiry::Wait>(&step)) {
      asked->timer = after(wait->time, asked, serial, [](Desk& desk, const AskedPtr& a) {
        a->timer = 0;
        desk.take(a, a->inquiry.waited(auth::moment_of(desk.deps.clock)));
      });
      return;
    }
    send(asked, serial, std::get<Inquiry::Attempt>(step).timeout);
  }

  void send(const AskedPtr& asked, std::uint64_t serial, Millis timeout) {
    const Signed by{.id = asked->id, .key = server.key, .now = deps.clock.wall()};
    auth::Call call =
        request_of(asked->body, by, server.target, deps.user_agent, asked->kept.get(), server.table.headers);
    call.connect_timeout = timeout;
    call.timeout = timeout;
    call.repeatable = asked->event != Event::publish; // a kept connection that turns out to be closed
    server.transport->send(std::move(call), [weak = weak_from_this(), asked, serial](client::HttpResult result) {
      const auto desk = weak.lock();
      if (desk && asked->serial == serial) desk->came(asked, result);
    });
  }

  void came(const AskedPtr& asked, const client::HttpResult& result) {
    ++asked->serial;
    const auth::Moment now = auth::moment_of(deps.clock);
    auto verdict = read_answer(result);
    Result<Said> said = std::unexpected(Refusal{});
    if (verdict) {
      if (auto* no = std::get_if<No>(&*verdict))
        said = Said{std::move(*no)};
      else
        said = asked->decode(std::get<json::Object>(*verdict), now.wall);
      if (!said) verdict = std::unexpected(Fault{.refusal = std::move(said).error()});
    }
    if (!verdict) {
      Fault fault = std::move(verdict).error();
      attempt_failed(fault.refusal.cause);
      if (fault.pause) quiet_until = std::max(quiet_until, now.mono + *fault.pause);
      return take(asked, asked->inquiry.faulted(std::move(fault), now));
    }
    asked->inquiry.answered(now);
    report_breaker();
    if (!asked->key.empty()) {
      memory.keep(asked->key, *said, now.mono);
      memory_meter.used(memory.size());
    }
    finish(asked, std::move(said));
  }

  void finish(const AskedPtr& asked, Result<Said> outcome) {
    ++asked->serial;
    meter.used(--under_way);
    seconds.observe(std::chrono::duration<double>(deps.clock.mono() - asked->since).count());
    auto done = std::exchange(asked->done, nullptr);
    if (!outcome) return fail(asked->event, done, std::move(outcome).error());
    count(asked->event, *outcome);
    done(std::move(*outcome));
  }

  void fail(Event event, Completion<Said>& done, Refusal refusal) {
    refusal.evidence = fmt::format("ask \"{}\", {}: {}", server.table.name, to_string(event), refusal.evidence);
    questions[static_cast<std::size_t>(event)][Outcome::failed]->add();
    if (const auto left_out = lines.take(deps.clock.mono()))
      deps.log.warning("application_did_not_answer", "A question to the application has no answer.",
          {{"code", refusal.code()}, {"evidence", refusal.evidence}, {"left_out", *left_out}});
    done(std::unexpected(std::move(refusal)));
  }

  void count(Event event, const Said& said) {
    const bool no = std::holds_alternative<No>(said);
    questions[static_cast<std::size_t>(event)][no ? Outcome::refused : Outcome::allowed]->add();
  }

  void attempt_failed(Cause cause) {
    Counter*& counter = failed_attempts[cause];
    if (counter == nullptr)
      counter = &deps.metrics.counter("foyer_ask_failed_attempts_total",
          "Failed attempts to ask an application, by cause.", {label(), {"cause", std::string(code_of(cause))}});
    counter->add();
  }

  template <class Act>
  TimerId after(Millis time, const AskedPtr& asked, std::uint64_t serial, Act act) {
    return deps.control.after(time, [weak = weak_from_this(), asked, serial, act = std::move(act)] {
      const auto desk = weak.lock();
      if (desk && asked->serial == serial) act(*desk, asked);
    });
  }

  void report_breaker() {
    const auth::BreakerStatus now = breaker.status();
    auth::BreakerStatus before;
    {
      const std::lock_guard lock(mutex);
      before = std::exchange(reported, now);
    }
    if (before.state == now.state && before.next_try == now.next_try) return;
    breaker_state.set(static_cast<std::int64_t>(now.state));
    using State = auth::BreakerStatus::State;
    if (now.state == State::open)
      deps.log.warning("application_not_asked", "The application is not asked for a while.",
          {{"ask", server.table.name}, {"since", rfc3339(now.since)}, {"why", breaker.why()},
              {"evidence", now.faults.empty() ? "" : now.faults.back().evidence}, {"next_try", rfc3339(now.next_try)}});
    else if (now.state == State::closed)
      deps.log.info("application_answers_again", "The application answers again.",
          {{"ask", server.table.name}, {"since", rfc3339(before.since)}});
  }

  const AskerDeps& deps;
  const Server server;
  const auth::RetryPolicy retry;
  auth::CircuitBreaker breaker;
  auth::RetryBudget budget;
  Memory<Said> memory;
  MonoTime quiet_until{};
  std::size_t under_way = 0;
  std::array<bool, kEvents> events{};
  LogBudget lines{1};
  LimitMeter meter, memory_meter;
  std::array<std::array<Counter*, 3>, kEvents> questions{};
  std::map<Cause, Counter*> failed_attempts;
  Counter& remembered;
  Histogram& seconds;
  Gauge& breaker_state;
  mutable std::mutex mutex; // guards only `reported`
  auth::BreakerStatus reported;
};

struct Asker::Inside {
  explicit Inside(AskerDeps d) : deps(std::move(d)) {}

  Desk* desk_for(Event event, std::string_view room) const {
    const auto at = std::ranges::find_if(desks, [&](const auto& desk) { return desk->covers(event, room); });
    return at == desks.end() ? nullptr : at->get();
  }

  template <class Answer, class Question>
  void ask(Event event, const RoomName& room, Question question, Decode decode, Completion<Answer> answer) {
    const MonoTime since = deps.clock.mono();
    std::string key;
    if (event != Event::publish)
      key = fmt::format("{}\n{}\n{}", to_string(event), question.client.user.view(), room.view());
    std::string body = body_of(question);
    auto done = [answer = std::move(answer)](Result<Said> said) mutable {
      if (!said) return answer(std::unexpected(std::move(said).error()));
      if (auto* yes = std::get_if<Answer>(&*said)) return answer(std::move(*yes));
      const No& no = std::get<No>(*said);
      if constexpr (requires(Answer out) { out.disconnect; })
        if (no.disconnect) return answer(Answer{.disconnect = refusal_of(no)});
      answer(std::unexpected(refusal_of(no)));
    };
    Desk* desk = desk_for(event, room.view());
    if (desk == nullptr) {
      deps.control.post([done = std::move(done)]() mutable {
        done(std::unexpected(
            Refusal{.cause = Cause::APP_UNAVAILABLE, .evidence = "no [[ask]] table has this event for this room"}));
      });
      return;
    }
    deps.control.post(
        [weak = desk->weak_from_this(), event, key = std::move(key), body = std::move(body),
            kept = question.client.kept, decode = std::move(decode), done = std::move(done), since]() mutable {
      if (const auto to = weak.lock())
        to->ask(event, std::move(key), std::move(body), std::move(kept), std::move(decode), std::move(done), since);
    });
  }

  const AskerDeps deps;
  std::vector<std::shared_ptr<Desk>> desks;
};

Asker::Asker(AskerDeps deps, std::vector<Server> servers) : inside_(std::make_shared<Inside>(std::move(deps))) {
  for (Server& server : servers) inside_->desks.push_back(std::make_shared<Desk>(inside_->deps, std::move(server)));
}

Asker::~Asker() = default;

bool Asker::asks(Event event, std::string_view room) const { return inside_->desk_for(event, room) != nullptr; }

KeptPtr Asker::keep(const Headers& handshake) const {
  Kept kept;
  for (const Header& header : handshake.list())
    if (std::ranges::any_of(inside_->desks, [&](const auto& desk) {
      return std::ranges::any_of(
          desk->server.table.headers, [&](const std::string& name) { return iequals(name, header.name); });
    }))
      kept.headers.add(header.name, header.value);
  if (kept.headers.list().empty()) return nullptr;
  return std::make_shared<const Kept>(std::move(kept));
}

void Asker::connect(ConnectQuestion question, Completion<ConnectAnswer> answer) {
  Decode decode = [user = question.client.user](
                      const json::Object& result, WallTime now) { return as_said(connect_answer(result, user, now)); };
  inside_->ask(Event::connect, {}, std::move(question), std::move(decode), std::move(answer));
}

void Asker::refresh(RefreshQuestion question, Completion<RefreshAnswer> answer) {
  Decode decode = [](const json::Object& result, WallTime now) { return as_said(refresh_answer(result, now)); };
  inside_->ask(Event::refresh, {}, std::move(question), std::move(decode), std::move(answer));
}

void Asker::subscribe(SubscribeQuestion question, Completion<SubscribeAnswer> answer) {
  Decode decode = [](const json::Object& result, WallTime now) { return as_said(subscribe_answer(result, now)); };
  const RoomName room = question.room;
  inside_->ask(Event::subscribe, room, std::move(question), std::move(decode), std::move(answer));
}

void Asker::publish(PublishQuestion question, Completion<PublishAnswer> answer) {
  Decode decode = [chat = question.chat](
                      const json::Object& result, WallTime) { return as_said(publish_answer(result, chat)); };
  const RoomName room = question.room;
  inside_->ask(Event::publish, room, std::move(question), std::move(decode), std::move(answer));
}

std::vector<Asker::Status> Asker::status() const {
  std::vector<Status> out;
  for (const auto& desk : inside_->desks) {
    const std::lock_guard lock(desk->mutex);
    out.push_back({.name = desk->server.table.name, .breaker = desk->reported});
  }
  return out;
}

} // namespace foyer::asking

#include "auth/remote_auth_service.h"

#include <fmt/format.h>

#include <mutex>
#include <unordered_map>
#include <utility>

#include "auth/answer.h"
#include "auth/client_metrics.h"
#include "auth/contract/messages.h"
#include "auth/question.h"
#include "auth/revocation_stream.h"
#include "base/limit_metrics.h"

namespace foyer::auth {
namespace {

constexpr std::string_view kVerifyRequest = "POST /internal/verify";
constexpr Millis kLogEvery{1'000}; // at most one log line about failed calls; the rest are counted

RetryPolicy retry_policy(const ClientPolicy& policy) {
  return {.attempts = policy.auth_attempts,
      .deadline = policy.auth_deadline,
      .attempt_timeout = policy.auth_attempt_timeout,
      .connect_timeout = policy.auth_connect_timeout};
}

BreakerPolicy breaker_policy(const ClientPolicy& policy) {
  BreakerPolicy out = policy.breaker;
  out.trial_limit = policy.auth_deadline;
  return out;
}

ClientMetrics::Outcome outcome_of(const Result<Identity>& answer) {
  if (answer) return ClientMetrics::Outcome::valid;
  return answer.error().info().http < 500 ? ClientMetrics::Outcome::refused : ClientMetrics::Outcome::unanswered;
}

// "AUTH_SERVICE_TIMEOUT, AUTH_SERVICE_NOT_AVAILABLE"
std::string codes_of(const std::vector<Refusal>& refusals) {
  std::string out;
  for (const Refusal& refusal : refusals) out += fmt::format("{}{}", out.empty() ? "" : ", ", refusal.code());
  return out;
}

} // namespace

// Everything runs on the control plane's thread, except status().
struct RemoteAuthService::Client : std::enable_shared_from_this<Client> {
  using Kind = ClientMetrics::Kind;

  struct Asked {
    Question question;
    Kind kind;
    MonoTime since;
    QuestionMachine machine;
    Completion<Identity> done;
    TimerId timer = 0;
    std::string nonce = {};   // of the current attempt; its answer is signed over it
    std::uint64_t serial = 0; // of the attempt or the wait; events for an earlier one are stale
  };
  struct Flight { // equal cookies from one address share one call
    struct Waiting {
      Completion<Identity> answer;
      MonoTime since;
    };
    std::vector<Waiting> waiting;
    std::uint64_t generation;
  };

  Client(Context s, ServiceIdentity i, const ClientPolicy& policy)
      : around(s),
        identity(std::move(i)),
        retry(retry_policy(policy)),
        breaker(breaker_policy(policy)),
        cache(policy.cache),
        questions_limit(policy.questions),
        metrics(s.metrics),
        questions_meter(s.metrics, "auth_questions", policy.questions),
        cache_meter(s.metrics, "cookie_answers", policy.cache.positives + policy.cache.negatives) {}

  // ---- calls

  void ticket(TicketRequest question, Completion<Identity> answer, MonoTime since) {
    start(std::move(question), Kind::ticket, since,
        [this, answer = std::move(answer), since](Result<Identity> said) mutable {
      metrics.question(Kind::ticket, outcome_of(said), around.clock.mono() - since);
      answer(std::move(said));
    });
  }

  void cookie(CookieRequest question, Completion<Identity> answer, MonoTime since) {
    std::string key = CookieCache::key(question.cookie, question.address);
    if (auto kept = cache.find(key, moment_of(around.clock))) {
      metrics.hits.add();
      metrics.question(Kind::cookie, outcome_of(*kept), around.clock.mono() - since);
      return answer(std::move(*kept));
    }
    const auto [flight, is_new] = flights.try_emplace(key, Flight{.waiting = {}, .generation = cache.generation()});
    flight->second.waiting.push_back({std::move(answer), since});
    if (!is_new) {
      metrics.joined.add();
      return;
    }
    metrics.misses.add();
    start(std::move(question), Kind::cookie, since,
        [this, key = std::move(key)](Result<Identity> said) { land(key, std::move(said)); });
  }

  void land(const std::string& key, Result<Identity> said) {
    auto flight = flights.extract(key);
    cache.keep(key, said, flight.mapped().generation, moment_of(around.clock));
    cache_meter.used(cache.size());
    for (auto& [answer, since] : flight.mapped().waiting) {
      metrics.question(Kind::cookie, outcome_of(said), around.clock.mono() - since);
      answer(said);
    }
  }

  // ---- one call

  void start(Question question, Kind kind, MonoTime since, Completion<Identity> done) {
    if (under_way >= questions_limit) {
      questions_meter.refused();
      Refusal busy{.cause = Cause::BUSY,
          .evidence = fmt::format("{} calls to the auth service are in progress", under_way),
          .retry_after = Millis{1'000}};
      return done(std::unexpected(std::move(busy)));
    }
    questions_meter.used(++under_way);
    auto asked = std::make_shared<Asked>(Asked{.question = std::move(question),
        .kind = kind,
        .since = since,
        .machine = QuestionMachine(retry, breaker, budget, around.entropy, since),
        .done = std::move(done)});
    take(asked, asked->machine.begin(moment_of(around.clock)));
  }

  void take(const std::shared_ptr<Asked>& asked, QuestionMachine::Step step) {
    report_breaker();
    if (auto* end = std::get_if<QuestionMachine::End>(&step))
      return finish(asked, std::unexpected(std::move(end->refusal)));
    const std::uint64_t serial = ++asked->serial;
    if (const auto* wait = std::get_if<QuestionMachine::Wait>(&step)) {
      asked->timer = after(wait->time, asked, serial, [](Client& client, const std::shared_ptr<Asked>& a) {
        a->timer = 0;
        client.take(a, a->machine.waited(moment_of(client.around.clock)));
      });
      return;
    }
    send(asked, serial, std::get<QuestionMachine::Attempt>(step));
  }

  void send(const std::shared_ptr<Asked>& asked, std::uint64_t serial, const QuestionMachine::Attempt& attempt) {
    if (attempt.number > 1) metrics.retries.add();
    Call call{.target = std::string(kVerifyPath),
        .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
        .body = json::write(encode(asked->question)),
        .connect_timeout = std::min(retry.connect_timeout, attempt.timeout),
        .timeout = attempt.timeout};
    asked->nonce = std::visit([&](const auto& q) {
      return identity.sign(call.headers, call.method, call.target, call.body,
          {.address = q.address, .ref = q.ref.view()}, around.clock.wall(), around.entropy);
    }, asked->question);
    asked->timer = after(attempt.timeout + QuestionMachine::kSlack, asked, serial,
        [timeout = attempt.timeout](Client& client, const std::shared_ptr<Asked>& a) {
      client.came(a,
          std::unexpected(client::NetError{.kind = client::NetError::Kind::timeout,
              .what = fmt::format("no answer within {} ms", timeout.count()),
              .phase = client::NetError::Phase::waiting}));
    });
    around.transport.send(std::move(call), [weak = weak_from_this(), asked, serial](client::HttpResult result) {
      const auto client = weak.lock();
      if (client && asked->serial == serial) client->came(asked, std::move(result));
    });
  }

  void came(const std::shared_ptr<Asked>& asked, const client::HttpResult& result) {
    ++asked->serial;
    around.control.cancel(std::exchange(asked->timer, 0));
    const Moment now = moment_of(around.clock);
    auto said = read(result);
    if (said)
      if (auto fault = distrust_answer(*result, identity, asked->nonce, kVerifyRequest))
        said = std::unexpected(std::move(*fault));
    if (!said) {
      metrics.attempt_failed(said.error().refusal.cause);
      return take(asked, asked->machine.faulted(std::move(said).error(), now));
    }
    metrics.attempt_answered();
    asked->machine.answered(now);
    report_breaker();
    finish(asked, std::move(said->identity));
  }

  static std::expected<VerifyAnswer, Fault> read(const client::HttpResult& result) {
    auto object = read_answer(result, kVerifyRequest);
    if (!object) return std::unexpected(std::move(object).error());
    auto said = decode_verify_answer(*object);
    if (said) return std::move(*said);
    Fault fault{.refusal = std::move(said).error(), .transient = true, .counts = true};
    fault.refusal.evidence = fmt::format(
        "{}: a Foyer answered JSON that does not answer this call: {}", kVerifyRequest, fault.refusal.evidence);
    return std::unexpected(std::move(fault));
  }

  void finish(const std::shared_ptr<Asked>& asked, Result<Identity> outcome) {
    questions_meter.used(--under_way);
    if (!outcome && outcome_of(outcome) == ClientMetrics::Outcome::unanswered) log_failure(*asked, outcome.error());
    auto done = std::exchange(asked->done, nullptr);
    done(std::move(outcome));
  }

  template <class Act>
  TimerId after(Millis time, const std::shared_ptr<Asked>& asked, std::uint64_t serial, Act act) {
    return around.control.after(time, [weak = weak_from_this(), asked, serial, act = std::move(act)] {
      const auto client = weak.lock();
      if (client && asked->serial == serial) act(*client, asked);
    });
  }

  // ---- reporting

  void report_breaker() {
    const BreakerStatus& now = breaker.status();
    {
      const std::lock_guard lock(mutex);
      if (reported.state == now.state && reported.next_try == now.next_try &&
          reported.faults.size() == now.faults.size() && now.faults.empty())
        return;
      std::swap(before, reported);
      reported = now;
    }
    if (before.state == now.state && before.next_try == now.next_try) return;
    metrics.breaker(now.state);
    using State = BreakerStatus::State;
    if (now.state == State::open) {
      const bool again = before.state == State::trying;
      const std::string next = rfc3339(now.next_try);
      around.log.warning(again ? "auth_breaker_still_open" : "auth_breaker_opened",
          again ? "The auth service still fails; the pause is now longer."
                : "The auth service is not called for a while.",
          {{"since", rfc3339(now.since)}, {"why", breaker.why()}, {"causes", codes_of(now.faults)},
              {"evidence", now.faults.empty() ? "" : now.faults.back().evidence}, {"next_try", next}});
    } else if (now.state == State::closed) {
      around.log.info("auth_breaker_closed", "The auth service answers again.", {{"since", rfc3339(before.since)}});
    }
  }

  void log_failure(const Asked& asked, const Refusal& refusal) {
    const MonoTime now = around.clock.mono();
    if (logged && now < *logged + kLogEvery) {
      ++unlogged;
      return;
    }
    logged = now;
    const Ref& ref = std::visit([](const auto& q) -> const Ref& { return q.ref; }, asked.question);
    around.log.warning("auth_question_failed", "A credential could not be checked.",
        {{"question", asked.kind == Kind::ticket ? "ticket" : "cookie"}, {"code", refusal.code()},
            {"evidence", refusal.evidence}, {"causes", codes_of(refusal.attempts)}, {"ref", ref.view()},
            {"not_logged", unlogged}});
    unlogged = 0;
  }

  Context around;
  const ServiceIdentity identity;
  const RetryPolicy retry;
  CircuitBreaker breaker;
  RetryBudget budget;
  CookieCache cache;
  const std::size_t questions_limit;
  std::size_t under_way = 0;
  std::unordered_map<std::string, Flight> flights;
  ClientMetrics metrics;
  LimitMeter questions_meter, cache_meter;
  std::optional<MonoTime> logged;
  std::uint64_t unlogged = 0;
  BreakerStatus before;
  mutable std::mutex mutex; // guards only `reported`
  BreakerStatus reported;
};

RemoteAuthService::RemoteAuthService(
    Context around, ServiceIdentity identity, ClientPolicy policy, RevocationStream& revocations)
    : client_(std::make_shared<Client>(around, identity, policy)),
      people_(std::make_shared<PeopleSource>(around, std::move(identity), policy.people)),
      revocations_(revocations),
      control_(around.control) {}

RemoteAuthService::~RemoteAuthService() = default;

void RemoteAuthService::redeem_ticket(TicketRequest question, Completion<Identity> answer) {
  control_.post([weak = std::weak_ptr(client_), question = std::move(question), answer = std::move(answer),
                    since = client_->around.clock.mono()]() mutable {
    if (const auto client = weak.lock()) client->ticket(std::move(question), std::move(answer), since);
  });
}

void RemoteAuthService::check_cookie(CookieRequest question, Completion<Identity> answer) {
  control_.post([weak = std::weak_ptr(client_), question = std::move(question), answer = std::move(answer),
                    since = client_->around.clock.mono()]() mutable {
    if (const auto client = weak.lock()) client->cookie(std::move(question), std::move(answer), since);
  });
}

void RemoteAuthService::find_person(PersonRequest question, Completion<std::optional<Person>> answer) {
  control_.post([weak = std::weak_ptr(people_), question = std::move(question), answer = std::move(answer)]() mutable {
    if (const auto people = weak.lock()) people->find(std::move(question), std::move(answer));
  });
}

void RemoteAuthService::watch_revocations(
    std::function<void(const std::vector<RevocationEvent>&)> on_events, std::function<void(WallTime)> synchronised) {
  revocations_.watch(
      [weak = std::weak_ptr(client_), people = std::weak_ptr(people_), on_events = std::move(on_events)](
          const std::vector<RevocationEvent>& events) {
    if (const auto client = weak.lock()) {
      client->cache.apply(events);
      client->cache_meter.used(client->cache.size());
    }
    if (const auto source = people.lock()) source->apply(events);
    on_events(events);
  },
      std::move(synchronised));
}

BreakerStatus RemoteAuthService::status() const {
  const std::lock_guard lock(client_->mutex);
  return client_->reported;
}

} // namespace foyer::auth

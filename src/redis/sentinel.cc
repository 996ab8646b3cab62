#include "redis/sentinel.h"

#include <mutex>
#include <utility>
#include <vector>

#include "redis/line.h"
#include "redis/sentinel_view.h"

namespace foyer::redis {
namespace {

Server login_of(const BusUrl& url, const Endpoint& at, const client::TlsOptions& tls) {
  return {.url = {.host = at.host,
              .port = at.port,
              .tls = url.server.tls,
              .user = url.sentinel_user,
              .password = url.sentinel_password},
      .tls = tls};
}

} // namespace

struct Sentinel::State {
  State(const BusUrl& url, const client::TlsOptions& tls, Policy p, Entropy& entropy, Millis every)
      : name(url.name),
        seeds(url.seeds),
        policy(p),
        primary(std::make_shared<Whereabouts>(url.shown())),
        view(url.seeds),
        plane("redis-watch") {
    for (std::size_t i = 0; i < url.seeds.size(); ++i) {
      each.emplace_back();
      each[i].line = std::make_unique<Line>(plane, login_of(url, url.seeds[i], tls), policy, entropy,
          Line::Events{.opened = [this, i] { ask(i); }, .reply = [this, i](Reply reply) {
        on_reply(i, std::move(reply));
      }, .lost = [this, i](const Failure& failure) { on_lost(i, failure); }});
    }
    plane.post([this] {
      for (auto& one : each) one.line->start();
    });
    plane.every(every, [this] {
      for (std::size_t i = 0; i < each.size(); ++i) ask(i);
    });
  }
  ~State() {
    plane.stop();
    each.clear();
  }

  void ask(std::size_t i);
  void on_reply(std::size_t i, Reply reply);
  void on_lost(std::size_t i, const Failure& failure);
  void said(std::size_t i, std::expected<SentinelAnswer, std::string> what);

  const std::string name;
  const std::vector<Endpoint> seeds;
  const Policy policy;
  const std::shared_ptr<Whereabouts> primary;
  mutable std::mutex mutex; // of the view
  SentinelView view;

  struct One {
    std::unique_ptr<Line> line = {};
    bool asked = false; // without the answer
    MonoTime since = {};
    std::optional<Reply> address = {}; // the first of the two replies
  };
  exec::ControlPlane plane;
  std::vector<One> each; // the plane's thread only
};

void Sentinel::State::ask(std::size_t i) {
  One& one = each[i];
  if (!one.line->open()) return;
  const MonoTime now = system_clock().mono();
  if (one.asked && now - one.since >= policy.command_timeout)
    return one.line->fail({.kind = Failure::Kind::timeout,
        .what = seeds[i].shown() + ": no reply within " + std::to_string(policy.command_timeout.count()) + " ms"});
  if (one.asked) return;
  one.asked = true;
  one.since = now;
  std::string bytes;
  append_command(bytes, Command{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name});
  append_command(bytes, Command{"SENTINEL", "MASTER", name});
  one.line->write(std::move(bytes));
}

void Sentinel::State::on_reply(std::size_t i, Reply reply) {
  One& one = each[i];
  if (!one.address) {
    one.address = std::move(reply);
    return;
  }
  one.asked = false;
  auto answer = read_sentinel_answer(*std::exchange(one.address, std::nullopt), reply);
  if (!answer) answer = std::unexpected(seeds[i].shown() + ": " + answer.error());
  said(i, std::move(answer));
}

void Sentinel::State::on_lost(std::size_t i, const Failure& failure) {
  each[i].asked = false;
  each[i].address.reset();
  said(i, std::unexpected(failure.what + " (" + std::string(to_string(failure.kind)) + ")"));
}

void Sentinel::State::said(std::size_t i, std::expected<SentinelAnswer, std::string> what) {
  std::optional<Endpoint> at;
  std::optional<std::string> trouble;
  {
    const std::lock_guard held(mutex);
    view.said(i, std::move(what), system_clock().mono());
    at = view.primary();
    trouble = view.trouble();
  }
  if (at)
    primary->set(*std::move(at));
  else if (trouble)
    primary->set(std::unexpected(Failure{.kind = Failure::Kind::no_primary, .what = *std::move(trouble)}));
}

Sentinel::Sentinel(const BusUrl& url, client::TlsOptions tls, Policy policy, Entropy& entropy, Millis every)
    : state_(std::make_unique<State>(url, tls, policy, entropy, every)) {}
Sentinel::~Sentinel() = default;

std::shared_ptr<Whereabouts> Sentinel::primary() const { return state_->primary; }
std::optional<std::string> Sentinel::trouble() const {
  const std::lock_guard held(state_->mutex);
  return state_->view.trouble();
}
std::optional<std::string> Sentinel::sees_down() const {
  const std::lock_guard held(state_->mutex);
  return state_->view.sees_down();
}

} // namespace foyer::redis

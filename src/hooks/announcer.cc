#include "hooks/announcer.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"

namespace foyer::hooks {

using engine::NewHookEvent;

// On the executor, but for the questions to the outbox.
struct Announcer::State : std::enable_shared_from_this<Announcer::State> {
  State(engine::HookOutbox& o, Executor& e, const Clock& c, Metrics& metrics)
      : outbox(o),
        control(e),
        clock(c),
        dropped(metrics.counter(
            "foyer_webhook_dropped_total", "Best-effort events that were dropped, because too many waited.")) {}

  engine::HookOutbox& outbox;
  Executor& control;
  const Clock& clock;
  Counter& dropped;
  std::vector<NewHookEvent> queue;
  std::unordered_map<std::string, std::uint64_t> away; // users without connection, and which absence it is
  std::uint64_t absences = 0;

  void add(NewHookEvent event);
  void flush();
  void came(const std::string& user, WallTime at);
  void went(const std::string& user, WallTime at);

  template <class Act>
  void later(Act act) {
    control.post([weak = weak_from_this(), act = std::move(act)]() mutable {
      if (const auto self = weak.lock()) act(*self);
    });
  }
};

namespace {

NewHookEvent event(std::string_view type, std::string_view room, json::Object data, WallTime at) {
  data["best_effort"] = true;
  return {.type = std::string(type), .room = std::string(room), .data = json::write(data), .at = at};
}

} // namespace

void Announcer::State::add(NewHookEvent event) {
  if (queue.size() >= kQueued) return dropped.add();
  queue.push_back(std::move(event));
  if (queue.size() > 1) return;
  (void)control.after(kGather, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush();
  });
}

void Announcer::State::flush() {
  const std::size_t count = queue.size();
  outbox.put_events(std::exchange(queue, {}), [weak = weak_from_this(), count](Result<bool> done) {
    if (done) return;
    if (const auto self = weak.lock()) self->dropped.add(count);
  });
}

void Announcer::State::came(const std::string& user, WallTime at) {
  if (away.erase(user) > 0) return;
  add(event("user.online", {}, {{"user", user}}, at));
}

void Announcer::State::went(const std::string& user, WallTime at) {
  const std::uint64_t absence = ++absences;
  away[user] = absence;
  (void)control.after(kAway, [weak = weak_from_this(), user, absence, at] {
    const auto self = weak.lock();
    if (!self) return;
    const auto still = self->away.find(user);
    if (still == self->away.end() || still->second != absence) return;
    self->away.erase(still);
    self->add(event("user.offline", {}, {{"user", user}}, at));
  });
}

Announcer::Announcer(engine::HookOutbox& outbox, Executor& control, const Clock& clock, Metrics& metrics)
    : state_(std::make_shared<State>(outbox, control, clock, metrics)) {}

Announcer::~Announcer() = default;

void Announcer::occupied(std::string_view room) {
  if (!state_->outbox.wants_events("room.occupied")) return;
  state_->later([room = std::string(room), at = state_->clock.wall()](
                    State& s) { s.add(event("room.occupied", room, {{"room", room}}, at)); });
}

void Announcer::vacated(std::string_view room) {
  if (!state_->outbox.wants_events("room.vacated")) return;
  state_->later([room = std::string(room), at = state_->clock.wall()](
                    State& s) { s.add(event("room.vacated", room, {{"room", room}}, at)); });
}

// Both are followed if one of them is wanted: a return ends an absence.
void Announcer::online(std::string_view user) {
  if (!state_->outbox.wants_events("user.online") && !state_->outbox.wants_events("user.offline")) return;
  state_->later([user = std::string(user), at = state_->clock.wall()](State& s) { s.came(user, at); });
}

void Announcer::offline(std::string_view user) {
  if (!state_->outbox.wants_events("user.online") && !state_->outbox.wants_events("user.offline")) return;
  state_->later([user = std::string(user), at = state_->clock.wall()](State& s) { s.went(user, at); });
}

void Announcer::revoked(std::string_view kind, std::string_view id, WallTime at) {
  if (!state_->outbox.wants_events("session.revoked")) return;
  json::Object data{{kind, id}};
  if (kind == "user") data["issued_before"] = rfc3339(at);
  state_->later([data = std::move(data), at](State& s) { s.add(event("session.revoked", {}, data, at)); });
}

} // namespace foyer::hooks

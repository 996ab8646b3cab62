#include "gateway/gateway.h"

#include "gateway/link.h"

namespace foyer::gateway {
namespace {

constexpr Millis kPulse{1'000};

// Publishes the size of a loop's state once a second.
class Pulse final : public io::Timer {
 public:
  Pulse(io::Loop& loop, Shard& shard) : loop_(loop), shard_(shard) {}
  void on_timer() override {
    shard_.rooms_loaded.store(shard_.home().loaded(), std::memory_order_relaxed);
    shard_.memory_bytes.store(shard_.home().memory(), std::memory_order_relaxed);
    loop_.arm(*this, kPulse);
  }

 private:
  io::Loop& loop_;
  Shard& shard_;
};

// The application is asked before a client is admitted to the chat, not to the echo service.
GatewayPolicy with_questions(GatewayPolicy policy, const asking::Application* application) {
  const bool asks = application != nullptr && application->asks(asking::Event::connect);
  for (admission::SocketPath& socket : policy.door.sockets)
    socket.asks_application = asks && socket.needs_chat_permission;
  return policy;
}

using OfHome = std::pair<rooms::RoomHome*, std::vector<engine::ChangedRoom>>;

std::vector<OfHome> by_home(const rooms::Homes& homes, const std::vector<engine::ChangedRoom>& rooms) {
  std::vector<OfHome> all(homes.count());
  for (const engine::ChangedRoom& room : rooms) {
    auto& [home, of_home] = all[homes.of(room.room)];
    home = &homes.at(homes.of(room.room));
    of_home.push_back(room);
  }
  std::erase_if(all, [](const OfHome& one) { return one.first == nullptr; });
  return all;
}

// Calls task(home) on the loop of each.
template <class Task>
void on_each_home(const rooms::Homes& homes, const Task& task) {
  for (std::size_t i = 0; i < homes.count(); ++i) {
    rooms::RoomHome& home = homes.at(i);
    home.loop().post([&home, task] { task(home); });
  }
}

} // namespace

Gateway::Gateway(const std::vector<io::Loop*>& loops, GatewayPolicy policy, GatewayDeps deps)
    : policy_(with_questions(resolved(std::move(policy)), deps.application)),
      deps_(std::move(deps)),
      loops_(loops),
      users_(policy_.user, deps_.metrics),
      rooms_(homes_, std::nullopt) {
  shards_.reserve(loops.size());
  for (std::size_t i = 0; i < loops.size(); ++i)
    shards_.push_back(std::make_unique<Shard>(static_cast<std::uint8_t>(i), *loops[i], policy_, deps_, users_, homes_));
  for (const auto& shard : shards_) homes_.add(shard->home());
  for (std::size_t i = 0; i < loops.size(); ++i) {
    auto pulse = std::make_unique<Pulse>(*loops[i], *shards_[i]);
    loops[i]->post([loop = loops[i], timer = pulse.get()] { loop->arm(*timer, kPulse); });
    pulses_.push_back(std::move(pulse));
  }
}

Gateway::~Gateway() = default;

std::vector<http::UpgradeHandler*> Gateway::upgrades() const {
  std::vector<http::UpgradeHandler*> all;
  for (const auto& shard : shards_) all.push_back(shard.get());
  return all;
}

void Gateway::watch_revocations() {
  deps_.auth_service.watch_revocations([this](const std::vector<auth::RevocationEvent>& events) {
    deps_.revocations.apply(events, deps_.revoked);
    for (const auto& event : events)
      if (event.kind == auth::RevocationEvent::Kind::user && event.reason == auth::RevocationEvent::Reason::deleted)
        detach_messages(UserId{event.id});
    revocations_changed();
  }, [this](WallTime) { deps_.revocations.synchronised(deps_.clock.mono()); });
}

void Gateway::revocations_changed() { deps_.bus->send(engine::RevocationsChanged{}, {.to = deps_.bus->node()}); }

// An account was deleted: its messages stay, without the name. Repeated after a restart, so that none is missed.
void Gateway::detach_messages(UserId user) {
  rooms_.forget_author(std::move(user), rooms::Forget::name, [&log = deps_.log](Result<bool> detached) {
    if (!detached) log.error("detach_failed", detached.error().operator_text(), {{"code", detached.error().code()}});
  });
}

void Gateway::watch_store() {
  deps_.room_log->watch({.opened_again = [this] {
    for (std::size_t i = 0; i < loops_.size(); ++i)
      loops_[i]->post([shard = shards_[i].get()] { shard->store_opened_again(); });
  }, .lost = [this](const Refusal& why) {
    for (std::size_t i = 0; i < loops_.size(); ++i)
      loops_[i]->post([shard = shards_[i].get(), why] { shard->store_lost(why); });
  }, .moved = [this](const std::vector<engine::ChangedRoom>& rooms) {
    for (auto& [home, moved] : by_home(homes_, rooms))
      home->loop().post([to = home, rooms_of_it = std::move(moved)] {
        for (const engine::ChangedRoom& room : rooms_of_it) to->moved(room);
      });
  }, .taken = [this](const std::vector<engine::ControlRow>& rows) {
    const auto shared = std::make_shared<const std::vector<engine::ControlRow>>(rows);
    on_each_home(homes_, [shared](rooms::RoomHome& home) {
      for (const engine::ControlRow& row : *shared) home.taken(row); // of rooms of other homes: no effect
    });
  }, .missed = [this] {
    on_each_home(homes_, [](rooms::RoomHome& home) { home.store_opened_again(); });
  }, .current = deps_.rights_current});
}

void Gateway::may_have_missed(const RoomName& room) {
  rooms::RoomHome& home = homes_.at(homes_.of(room));
  home.loop().post([&home, room] { home.may_have_missed(room); });
}

void Gateway::shared_log_opened_again() {
  on_each_home(homes_, [](rooms::RoomHome& home) { home.shared_log_opened_again(); });
}

void Gateway::look_at_shared_log() {
  on_each_home(homes_, [](rooms::RoomHome& home) { home.look_at_shared_log(); });
}

void Gateway::node_deaf(const std::optional<Refusal>& why) {
  for (std::size_t i = 0; i < loops_.size(); ++i)
    loops_[i]->post([shard = shards_[i].get(), why] { shard->node_deaf(why); });
}

void Gateway::rights_unknown() {
  for (std::size_t i = 0; i < loops_.size(); ++i)
    loops_[i]->post([shard = shards_[i].get()] { shard->rights_unknown(); });
}

void Gateway::drain(std::function<void()> done) {
  if (draining_.exchange(true)) return;
  on_all(&Shard::drain, std::move(done));
}

void Gateway::when_empty(std::function<void()> done) { on_all(&Shard::when_empty, std::move(done)); }

void Gateway::on_all(void (Shard::*step)(std::move_only_function<void()>), std::function<void()> done) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    loops_[i]->post([shard = shards_[i].get(), step, left, done] {
      (shard->*step)([left, done] {
        if (left->fetch_sub(1) == 1) done();
      });
    });
  }
}

std::uint64_t Gateway::connections() const {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->sockets.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t Gateway::rooms_loaded() const {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->rooms_loaded.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t Gateway::memory_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->memory_bytes.load(std::memory_order_relaxed);
  return sum;
}

} // namespace foyer::gateway

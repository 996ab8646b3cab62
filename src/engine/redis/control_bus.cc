#include "engine/redis/control_bus.h"

#include <utility>

#include "engine/control_bytes.h"
#include "engine/redis/canaries.h"
#include "redis/deployment.h"
#include "rooms/model/packed.h"

namespace foyer::engine {
namespace {

constexpr std::uint8_t kEnvelopeVersion = 1;
constexpr std::size_t kMostNodeBytes = 128;
enum class What : std::uint8_t { message = 2 }; // 1 was a canary

using Sent = std::expected<redis::Reply, redis::Failure>;

} // namespace

RedisControlBus::RedisControlBus(
    RedisControlBusOptions options, redis::Commands& commands, const Clock& clock, Entropy& entropy)
    : names_(std::move(options.names)),
      silence_(options.silence),
      canary_(std::move(options.canary)),
      commands_(commands),
      clock_(clock),
      local_(std::move(options.node)) {
  subscriber_ = redis::open_channels(options.server, options.policy, entropy,
      redis::ChannelEvents{.message = [this](const std::string& channel, const std::string& bytes) {
    arrived(channel, bytes);
  }, .again = [this](const std::string& channel) {
    if (channel == names_.control()) local_.send(RevocationsChanged{}, {});
  }});
  for (const auto& channel : {names_.control(), names_.control(node().view())})
    subscriber_->subscribe(channel, [](std::expected<bool, redis::Failure>) {});
  canaries_ = std::make_unique<ShardCanaries>(*subscriber_, names_, options.server.cluster);
}

RedisControlBus::~RedisControlBus() {
  canaries_.reset();
  subscriber_->stop();
}

bool RedisControlBus::send(ControlMessage message, Route route) {
  if (!route.to || *route.to != node()) {
    if (route.to) {
      const std::lock_guard held(mutex_);
      const auto found = heard_.find(route.to->view());
      if (found == heard_.end() || clock_.mono() - found->second > silence_) return false;
    }
    rooms::PackedWriter envelope;
    envelope.byte(kEnvelopeVersion);
    envelope.text(node().view());
    envelope.byte(static_cast<std::uint8_t>(What::message));
    commands_.send({"PUBLISH", route.to ? names_.control(route.to->view()) : names_.control(),
                       envelope.take() + to_bytes(message)},
        [counts = counts_](const Sent& sent) {
      if (!sent) ++counts->unsent;
    });
    if (route.to) return true;
  }
  return local_.send(std::move(message), std::move(route));
}

void RedisControlBus::arrived(const std::string& channel, std::string_view bytes) {
  if (names_.is_canary(channel)) return note(channel, bytes);
  rooms::PackedReader in(bytes);
  const std::uint8_t version = in.byte();
  const std::string from = in.text(kMostNodeBytes);
  const auto what = static_cast<What>(in.byte());
  if (version == kEnvelopeVersion && !in.failed() && what == What::message) {
    if (from == node().view()) return;
    if (auto message = read_control(in.rest())) {
      local_.send(*std::move(message), {});
      return;
    }
  }
  ++counts_->unreadable;
}

void RedisControlBus::note(std::string_view channel, std::string_view bytes) {
  if (canary_) canary_(channel, bytes);
  const auto canary = read_canary(bytes);
  if (!canary) return;
  const MonoTime now = clock_.mono();
  const std::lock_guard held(mutex_);
  std::erase_if(heard_, [&](const auto& entry) { return now - entry.second > silence_; });
  if (heard_.size() >= kMostNodes && !heard_.contains(canary->node)) return;
  heard_[canary->node] = now;
}

std::vector<NodeId> RedisControlBus::heard() const {
  const MonoTime now = clock_.mono();
  const std::lock_guard held(mutex_);
  std::vector<NodeId> out;
  for (const auto& [node, at] : heard_)
    if (now - at <= silence_) out.emplace_back(node);
  return out;
}

} // namespace foyer::engine

#include "engine/redis/control_bus.h"

#include <utility>

#include "engine/control_bytes.h"
#include "rooms/model/packed.h"

namespace foyer::engine {
namespace {

constexpr std::uint8_t kEnvelopeVersion = 1;
constexpr std::size_t kMostNodeBytes = 128;
enum class What : std::uint8_t { canary = 1, message = 2 };

using Sent = std::expected<redis::Reply, redis::Failure>;

} // namespace

RedisControlBus::RedisControlBus(RedisControlBusOptions options, redis::Connection& commands, Executor& executor,
    const Clock& clock, Entropy& entropy)
    : names_(std::move(options.names)),
      commands_(commands),
      executor_(executor),
      clock_(clock),
      local_(std::move(options.node)) {
  subscriber_ = std::make_unique<redis::Subscriber>(std::move(options.server), options.policy, entropy,
      redis::Subscriber::Events{.message = [this](const std::string&, std::string bytes) { arrived(bytes); },
          .again = [this](const std::string&) { local_.send(RevocationsChanged{}, {}); }});
  for (const auto& channel : {names_.control(), names_.control(node().view())})
    subscriber_->subscribe(channel, [](std::expected<bool, redis::Failure>) {});
  timer_ = executor_.every(kCanaryInterval, [this] { sing(); });
}

RedisControlBus::~RedisControlBus() {
  executor_.cancel(timer_);
  subscriber_->stop();
}

std::string RedisControlBus::envelope() const {
  rooms::PackedWriter out;
  out.byte(kEnvelopeVersion);
  out.text(node().view());
  return out.take();
}

bool RedisControlBus::send(ControlMessage message, Route route) {
  if (!route.to || *route.to != node()) {
    if (route.to) {
      const std::lock_guard held(mutex_);
      const auto found = heard_.find(route.to->view());
      if (found == heard_.end() || clock_.mono() - found->second.at > kNodeSilence) return false;
    }
    commands_.send({"PUBLISH", route.to ? names_.control(route.to->view()) : names_.control(),
                       envelope() + static_cast<char>(What::message) + to_bytes(message)},
        [counts = counts_](const Sent& sent) {
      if (!sent) ++counts->unsent;
    });
    if (route.to) return true;
  }
  return local_.send(std::move(message), std::move(route));
}

void RedisControlBus::sing() {
  rooms::PackedWriter number;
  number.number(++canary_);
  commands_.send(
      {"PUBLISH", names_.control(), envelope() + static_cast<char>(What::canary) + number.take()}, [](const Sent&) {});
}

void RedisControlBus::arrived(std::string_view bytes) {
  rooms::PackedReader in(bytes);
  const std::uint8_t version = in.byte();
  const std::string from = in.text(kMostNodeBytes);
  const auto what = static_cast<What>(in.byte());
  if (version == kEnvelopeVersion && !in.failed() && what == What::canary) {
    const std::uint64_t number = in.number();
    if (in.whole()) return note(from, number);
  } else if (version == kEnvelopeVersion && !in.failed() && what == What::message) {
    if (from == node().view()) return;
    if (auto message = read_control(in.rest())) {
      local_.send(*std::move(message), {});
      return;
    }
  }
  ++counts_->unreadable;
}

void RedisControlBus::note(const std::string& from, std::uint64_t canary) {
  const MonoTime now = clock_.mono();
  const std::lock_guard held(mutex_);
  std::erase_if(heard_, [now](const auto& entry) { return now - entry.second.at > kNodeSilence; });
  if (heard_.size() >= kMostNodes && !heard_.contains(from)) return;
  heard_[from] = {.node = NodeId(from), .canary = canary, .at = now};
}

std::vector<RedisControlBus::Heard> RedisControlBus::heard() const {
  const MonoTime now = clock_.mono();
  const std::lock_guard held(mutex_);
  std::vector<Heard> out;
  for (const auto& [node, heard] : heard_)
    if (now - heard.at <= kNodeSilence) out.push_back(heard);
  return out;
}

} // namespace foyer::engine

#include "engine/redis/fanout.h"

#include <utility>

#include "engine/redis/refusal.h"
#include "redis/deployment.h"
#include "rooms/model/event_bytes.h"
#include "rooms/model/packed.h"

namespace foyer::engine {
namespace {

// In front of the event: of this envelope, and independent of the event's own version.
constexpr std::uint8_t kEnvelopeVersion = 1;
constexpr std::size_t kMostNodeBytes = 128;

} // namespace

RedisFanout::RedisFanout(RedisFanoutOptions options, redis::Commands& commands, Entropy& entropy)
    : names_(std::move(options.names)),
      node_(std::move(options.node)),
      canary_(std::move(options.canary)),
      commands_(commands) {
  redis::ChannelEvents events{
      .message = [this](const std::string& channel, std::string bytes) { arrived(channel, bytes); }};
  if (options.gap)
    events.again = [this, gap = std::move(options.gap)](const std::string& channel) {
      if (!names_.is_canary(channel)) gap(names_.room_of(channel));
    };
  subscriber_ = redis::open_channels(options.server, options.policy, entropy, std::move(events));
  if (canary_) canaries_ = std::make_unique<ShardCanaries>(*subscriber_, names_, options.server.cluster);
}

RedisFanout::~RedisFanout() {
  canaries_.reset();
  subscriber_->stop();
}

void RedisFanout::publish(rooms::PublicationPtr publication, const FanoutListener* here) {
  rooms::PackedWriter envelope;
  envelope.byte(kEnvelopeVersion);
  envelope.text(node_.view());
  std::string bytes = envelope.take() + rooms::to_bytes(publication->event());
  commands_.send({"PUBLISH", names_.channel(publication->event().room), std::move(bytes)},
      [counts = counts_](std::expected<redis::Reply, redis::Failure> reply) {
    if (!reply) ++counts->unsent;
  });
  local_.publish(std::move(publication), here);
}

void RedisFanout::subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) {
  const std::lock_guard held(order_);
  bool fresh = false;
  local_.subscribe(room, std::move(listener), [&fresh](Result<bool> added) { fresh = added.value_or(false); });
  subscriber_->subscribe(
      names_.channel(room), [fresh, done = std::move(done)](std::expected<bool, redis::Failure> heard) mutable {
    if (heard || heard.error().kind != redis::Failure::Kind::closed) return done(fresh);
    done(std::unexpected(refusal_of(heard.error())));
  });
}

void RedisFanout::unsubscribe(const RoomName& room, const FanoutListener& listener) {
  const std::lock_guard held(order_);
  if (!local_.listens(room)) return;
  local_.unsubscribe(room, listener);
  if (!local_.listens(room)) subscriber_->unsubscribe(names_.channel(room));
}

void RedisFanout::arrived(const std::string& channel, std::string_view bytes) {
  if (canary_ && names_.is_canary(channel)) return canary_(channel, bytes);
  rooms::PackedReader envelope(bytes);
  const std::uint8_t version = envelope.byte();
  const std::string node = envelope.text(kMostNodeBytes);
  if (!envelope.failed() && version == kEnvelopeVersion && node == node_.view()) return;
  auto event = rooms::read_event(envelope.rest());
  const RoomName room = names_.room_of(channel);
  if (envelope.failed() || version != kEnvelopeVersion || !event || event->room != room) {
    ++counts_->unreadable;
    return;
  }
  local_.publish(std::make_shared<rooms::Publication>(std::make_shared<const rooms::Event>(*std::move(event))));
  leave_if_unheard(room);
}

// Listeners may be destroyed without a word.
void RedisFanout::leave_if_unheard(const RoomName& room) {
  if (local_.listens(room)) return;
  const std::lock_guard held(order_);
  if (!local_.listens(room)) subscriber_->unsubscribe(names_.channel(room));
}

} // namespace foyer::engine

#include "engine/sql/signal_fanout.h"

#include <utility>

#include "rooms/model/event_bytes.h"

namespace foyer::engine {

SignalFanout::SignalFanout(std::shared_ptr<Signals> signals, std::function<void()> lost)
    : signals_(std::move(signals)) {
  signals_->receive(
      SignalKind::event, {.received = [this](std::string_view bytes) { arrived(bytes); }, .lost = std::move(lost)});
}

SignalFanout::~SignalFanout() { signals_->receive(SignalKind::event, {}); }

void SignalFanout::publish(rooms::PublicationPtr publication, const FanoutListener* here) {
  const rooms::Event& event = publication->event();
  if (event.delivery == rooms::Delivery::ephemeral) signals_->send(SignalKind::event, {}, rooms::to_bytes(event));
  local_.publish(std::move(publication), here);
}

void SignalFanout::subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) {
  local_.subscribe(room, std::move(listener), std::move(done));
}

void SignalFanout::unsubscribe(const RoomName& room, const FanoutListener& listener) {
  local_.unsubscribe(room, listener);
}

void SignalFanout::arrived(std::string_view bytes) {
  auto event = rooms::read_event(bytes);
  if (!event || event->delivery != rooms::Delivery::ephemeral) return signals_->note_unreadable();
  if (!local_.listens(event->room)) return;
  local_.publish(std::make_shared<rooms::Publication>(std::make_shared<const rooms::Event>(*std::move(event))));
}

} // namespace foyer::engine

// An event on its way to many clients: encoded at most once for each codec and form, whoever asks first, and framed in
// place. Loops share one and send the same bytes.
#pragma once

#include <array>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "protocol/client_codec.h"
#include "rooms/model/event.h"

namespace foyer::protocol {

class EncodedEvent {
 public:
  explicit EncodedEvent(rooms::EventPtr event) : event_(std::move(event)) {}
  [[nodiscard]] const rooms::Event& event() const { return *event_; }
  // The WebSocket frame for a client with these terms; null: it does not get the event. Any thread.
  [[nodiscard]] const SharedBytes& frame(const ClientCodec& codec, const ClientTerms& terms);

 private:
  struct Slot {
    std::once_flag once;
    SharedBytes frame;
  };
  [[nodiscard]] const SharedBytes& encoded(const ClientCodec& codec, Form form);

  rooms::EventPtr event_;
  std::array<Slot, ClientCodec::kMost * kForms> slots_;
};
using EncodedEventPtr = std::shared_ptr<EncodedEvent>;

} // namespace foyer::protocol

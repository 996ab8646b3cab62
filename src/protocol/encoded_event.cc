#include "protocol/encoded_event.h"

#include "wire/websocket.h"

namespace foyer::protocol {
namespace {

constexpr std::size_t kBesideText = 320; // what is reserved for all of a message but its text
constexpr std::size_t kShort = 160;      // and for other events

} // namespace

const SharedBytes& EncodedEvent::encoded(const ClientCodec& codec, Form form) {
  Slot& slot = slots_[codec.index() * kForms + static_cast<std::size_t>(form) - 1];
  std::call_once(slot.once, [&] {
    std::string out;
    const bool is_message = std::holds_alternative<rooms::Message>(event_->body);
    out.reserve(wire::kFrameRoom + (is_message ? kBesideText : kShort) +
        (form == Form::brief ? 0 : rooms::text_bytes(*event_)));
    out.resize(wire::kFrameRoom);
    codec.write(out, *event_, form);
    wire::frame_in_place(out, wire::Opcode::text);
    // It may wait in many queues, whose limits count what is sent.
    if (out.capacity() > out.size() + out.size() / 4 + kBesideText) out.shrink_to_fit();
    slot.frame = share(std::move(out));
  });
  return slot.frame;
}

const SharedBytes& EncodedEvent::frame(const ClientCodec& codec, const ClientTerms& terms) {
  static const SharedBytes kNothing;
  const Form form = codec.form_for(*event_, terms);
  if (form == Form::none) return kNothing;
  const SharedBytes& frame = encoded(codec, form);
  const bool too_large = terms.max_message > 0 && wire::message_of(*frame).payload.size() > terms.max_message &&
      std::holds_alternative<rooms::Message>(event_->body);
  return too_large ? encoded(codec, Form::brief) : frame;
}

} // namespace foyer::protocol

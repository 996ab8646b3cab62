#include "protocol/event_frame.h"

#include "wire/websocket.h"

namespace foyer::protocol {
namespace {

constexpr std::size_t kBesideText = 320; // reserved for everything in a message except its text
constexpr std::size_t kShort = 160;      // reserved for other events

static_assert(ClientCodec::kMost * kForms <= rooms::Publication::kEncodings);

const SharedBytes& encoded(rooms::Publication& publication, const ClientCodec& codec, Form form) {
  return publication.encoding(codec.index() * kForms + static_cast<std::size_t>(form) - 1, [&] {
    const rooms::Event& event = publication.event();
    std::string out;
    const bool is_message = std::holds_alternative<rooms::Message>(event.body);
    out.reserve(
        wire::kFrameRoom + (is_message ? kBesideText : kShort) + (form == Form::brief ? 0 : rooms::text_bytes(event)));
    out.resize(wire::kFrameRoom);
    codec.write(out, event, form);
    wire::frame_in_place(out, wire::Opcode::text);
    // The frame may wait in many send queues, whose limits count its size and not its capacity.
    if (out.capacity() > out.size() + out.size() / 4 + kBesideText) out.shrink_to_fit();
    return share(std::move(out));
  });
}

} // namespace

const SharedBytes& event_frame(rooms::Publication& publication, const ClientCodec& codec, const ClientTerms& terms) {
  static const SharedBytes kNothing;
  const Form form = codec.form_for(publication.event(), terms);
  if (form == Form::none) return kNothing;
  const SharedBytes& frame = encoded(publication, codec, form);
  const bool too_large = terms.max_message > 0 && wire::message_of(*frame).payload.size() > terms.max_message &&
      std::holds_alternative<rooms::Message>(publication.event().body);
  return too_large ? encoded(publication, codec, Form::brief) : frame;
}

} // namespace foyer::protocol

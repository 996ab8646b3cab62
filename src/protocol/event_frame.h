// An event as a WebSocket frame: encoded at most once for each codec and form, at its first use, and framed in place.
// Loops share a publication and send the same bytes.
#pragma once

#include "base/bytes.h"
#include "protocol/client_codec.h"
#include "rooms/model/publication.h"

namespace foyer::protocol {

// The frame for a client with these terms; null: it does not get the event. Any thread.
[[nodiscard]] const SharedBytes& event_frame(
    rooms::Publication& publication, const ClientCodec& codec, const ClientTerms& terms);

} // namespace foyer::protocol

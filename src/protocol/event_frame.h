// An event as a WebSocket frame (RFC 6455 §5.2): encoded once for each codec and form, when the first client needs it,
// and framed in place. All loops share a publication and send the same bytes.
#pragma once

#include "base/bytes.h"
#include "protocol/client_codec.h"
#include "rooms/model/publication.h"

namespace foyer::protocol {

// The frame for a client with these terms; null: the client does not get the event. Any thread.
[[nodiscard]] const SharedBytes& event_frame(
    rooms::Publication& publication, const ClientCodec& codec, const ClientTerms& terms);

} // namespace foyer::protocol

// Frames to a decoder in pieces of `step` bytes, with what holds for every decoder.
#pragma once

#include <string_view>
#include <vector>

#include "fuzz.h"
#include "wire/websocket.h"

namespace foyer::fuzz {

// The close code of the error that ended it, or 0.
inline std::uint16_t feed_frames(
    wire::WsDecoder& decoder, wire::WsSink& sink, std::string_view input, std::size_t step, std::size_t max_message) {
  std::uint16_t code = 0;
  for (std::size_t at = 0; at < input.size(); at += step) {
    const std::string_view piece = input.substr(at, step);
    std::vector<char> bytes(piece.begin(), piece.end());
    bytes.resize(piece.size() + wire::kPadding);
    const wire::WsError error = decoder.feed({bytes.data(), piece.size()}, sink);
    invariant(error.close == 0 || code == 0, "a decoder fails once");
    if (error.close != 0) code = error.close;
    invariant(decoder.buffered() <= max_message + 256, "a decoder holds no more than a message");
  }
  return code;
}

} // namespace foyer::fuzz

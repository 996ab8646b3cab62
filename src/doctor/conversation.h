// An open WebSocket, from the 101 to its end: says what was asked, pings, closes, and notes every answer. The frames
// are judged by wire::WsDecoder, so that the doctor and the server mean the same rules.
#pragma once

#include <string>
#include <string_view>

#include "doctor/prober.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

namespace foyer::doctor {

class Conversation final : private wire::WsSink {
 public:
  // All of them outlive this.
  Conversation(
      Stream& stream, Entropy& entropy, const Deadline& run, const ProbeLimits& limits, const Exchange& opening);

  // `first`: what came with the 101. Once.
  [[nodiscard]] Talk hold(const TalkAsk& ask, std::string_view first);

 private:
  bool on_message(wire::Opcode kind, std::string_view payload) override;
  bool on_ping(std::string_view payload) override;
  bool on_pong(std::string_view payload) override;
  bool on_close(std::uint16_t code, std::string_view reason) override;

  void take(std::string_view bytes);
  void send(wire::Opcode kind, std::string_view payload);
  template <class Wanted>
  void read_until(const Deadline& deadline, Wanted wanted);
  [[nodiscard]] bool over() const;

  Stream& stream_;
  Entropy& entropy_;
  Deadline run_;
  const ProbeLimits& limits_;
  wire::InflaterPool inflaters_;
  wire::WsDecoder decoder_;
  Stopwatch watch_;
  Stopwatch since_ping_;
  Talk talk_;
  bool closing_ = false; // we have sent Close
};

} // namespace foyer::doctor

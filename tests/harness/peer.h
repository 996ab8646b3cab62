// A client of the node under test: HTTP and WebSocket over a connection in
// memory. It answers pings unless told not to, and keeps all that it hears.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"
#include "harness/frame_splitter.h"
#include "harness/memory_network.h"
#include "harness/recording.h"
#include "wire/deflate.h"
#include "wire/http_response.h"
#include "wire/websocket.h"

namespace foyer::harness {

struct HeardClose {
  std::uint16_t code = 1005; // 1006: the connection ended without a Close
  std::string reason;
};

class Invariants;

class Peer final : private wire::WsSink {
 public:
  explicit Peer(std::unique_ptr<MemoryClient> client);
  ~Peer() override;

  // Everything that it says and hears goes by there, under this name.
  void watched_by(Invariants& invariants, std::string name);
  // And every byte is written down there, as that peer's.
  void recorded_in(Recording& recording, const std::string& name);

  void request(std::string_view method, std::string_view target, const Headers& headers, std::string_view body = {});
  void handshake(std::string_view target, const Headers& headers); // a complete one (RFC 6455 §4.1)
  void await_answer();                                             // to bytes that are sent as they stand
  void send_text(std::string_view text);
  void send_in_pieces(std::string_view text, std::size_t piece); // one message in fragments
  void send_binary(std::string_view bytes);
  void send_as_packed(std::string_view payload); // a text message that says it is compressed
  void send_close(std::uint16_t code);
  void send_ping();
  void send_raw(std::string_view bytes);
  void end_writing(); // its half of the stream

  void stop_reading();
  void read_again() { reads_ = true; }
  void stop_answering_pings() { answers_pings_ = false; }
  void go_silent();
  void vanish();

  // Takes what came. True if it did anything, an answer to a ping included.
  bool read();

  std::optional<Response> answer;   // the last HTTP answer; 101 for an upgrade
  std::deque<std::string> messages; // text messages, not yet expected by anybody
  std::deque<std::string> binaries; // and binary ones
  std::optional<HeardClose> closed;
  std::string trouble; // what the server did that no client would stand
  int pings = 0;
  [[nodiscard]] bool upgraded() const { return frames_ != nullptr; }
  [[nodiscard]] MemoryClient& client() { return *client_; }

 private:
  bool on_message(wire::Opcode kind, std::string_view payload) override;
  bool on_ping(std::string_view payload) override;
  bool on_pong(std::string_view) override { return true; }
  bool on_close(std::uint16_t code, std::string_view reason) override;
  void send_frame(wire::Opcode opcode, std::string_view payload);
  void write_frame(std::string frame, std::string_view message);
  // What a message is sent as: packed where that was agreed on and makes it shorter.
  [[nodiscard]] std::string_view packed(std::string_view payload);
  void agree(const std::string& extensions);
  void read_http(std::string& bytes);
  void read_frames(std::string_view bytes);

  void over(); // nothing is heard any more

  std::unique_ptr<MemoryClient> client_;
  Invariants* invariants_ = nullptr;
  std::string name_;
  Recording::Section* section_ = nullptr;
  std::string unasked_; // what came before an answer was awaited
  std::unique_ptr<wire::HttpResponseParser> http_;
  wire::InflaterPool inflaters_;
  std::unique_ptr<wire::Deflater> deflater_; // of what this end sends, once agreed
  std::string packed_;
  std::unique_ptr<wire::WsDecoder> frames_;
  FrameSplitter splitter_;
  bool reads_ = true;
  bool answers_pings_ = true;
  bool over_ = false;
};

} // namespace foyer::harness

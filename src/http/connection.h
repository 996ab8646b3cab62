// One HTTP/1.1 connection of a client, from accept to its end or to an upgrade: requests in order, their answers, and
// limits on how long either side may take.
//
//   reading ──▶ handling ──▶ reading …      a route handles the request
//      │ ▲         ├─▶ sending ◀─▶ making   the answer is a stream: a piece is sent, or the next one is awaited
//      │ │         │     │
//      │ └─ resting ◀┴───┘                  the client must take the answers before more requests are read
//      ├──▶ handed_over                     an upgrade: the transport has another handler
//      ▼
//   leaving ──▶ closing                     the last answer is sent; then the transport closes
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/body_source.h"
#include "base/http.h"
#include "base/refusal.h"
#include "http/arrival.h"
#include "http/idle_queue.h"
#include "http/upgrade.h"
#include "io/slot_table.h"
#include "io/transport.h"
#include "wire/http_parser.h"

namespace foyer::http {

class Port;

class Connection final : public io::TransportHandler, public io::Timer, private IdleLink {
 public:
  Connection(Port& port, io::Transport& transport, io::SlotId id, Arrival arrival);

  // TransportHandler
  void on_bytes(std::span<char> bytes) override;
  void on_eof() override;
  void on_drained() override;
  void on_closed() override;
  void on_timer() override;

  void request_answered(Response response);            // by the route's handler, later
  void piece_arrived(Result<BodySource::Piece> piece); // by the answer's stream, later
  void answer_last(LastAnswer answer);                 // the connection was opened only for this answer
  void shut_down();                                    // answers in progress are finished; no further request is read
  [[nodiscard]] io::SlotId id() const { return id_; }

 private:
  enum class Phase : std::uint8_t { reading, handling, sending, making, resting, leaving, closing, handed_over };
  enum class Input : std::uint8_t {
    open,
    ended,  // the client sends nothing more
    flooded // too many bytes followed the request; the rest was dropped
  };

  void read(std::string_view bytes);
  void read_request(std::string_view& rest);
  [[nodiscard]] bool take_head(); // true: the path is that of PUBLIC_URL without its final slash
  [[nodiscard]] bool is_upgrade() const;
  [[nodiscard]] bool answered_by_head();
  [[nodiscard]] std::optional<Refusal> turned_away() const;
  void handle_request(std::string_view& rest);
  void hand_over(std::string_view& rest);
  void keep(std::string_view bytes);
  void begin_refusal();
  void refuse_request(const Refusal& refusal);
  void refuse_whole(const Refusal& refusal);
  void route();
  void redirect_to_base();
  void report(const Refusal& refusal);
  void respond(Response response);
  void respond_problem(const Refusal& refusal);
  void respond_with_stream(Response response);
  void ask_for_piece();
  void cut_stream(const Refusal& refusal);
  [[nodiscard]] bool is_chunked() const { return request_.version_minor >= 1; } // whether streamed bodies are chunked
  void send(std::string bytes);
  void answered();
  void expect_taken(std::size_t bytes);
  void leave();
  void look_again();
  void end();
  void give_way() override;
  void give_up_answer(std::size_t left);
  void request_timed_out();
  void settle(); // at the end of each call from outside; may delete this
  void wait_for(Millis patience);
  void schedule();
  [[nodiscard]] Millis of_request(Millis patience) const;

  Port& port_;
  io::Transport& transport_;
  io::SlotId id_;
  wire::HttpParser parser_;
  Request request_;   // the one being answered
  std::string early_; // bytes that followed it
  Arrival arrival_;
  std::shared_ptr<BodySource> source_; // of a streamed answer
  Phase phase_ = Phase::reading;
  Input input_ = Input::open;
  bool client_ends_ = false;  // the client sent Connection: close, and nothing behind that request
  bool sent_before_ = false;  // some of it may be unacknowledged
  bool last_request_ = false; // draining, or the client sent Connection: close, or a refusal that ends the connection
  std::optional<MonoTime> begun_; // when the first byte of the current request arrived; nullopt: no request yet
  MonoTime due_{};                // deadline of the awaited input or answer
  MonoTime untaken_due_{};        // by then the client must have taken owed_ of the untaken_ bytes
  std::size_t untaken_ =
      0; // bytes that the client had not taken when the deadline was set, and those added since; 0: none
  std::size_t owed_ = 0;
};

} // namespace foyer::http

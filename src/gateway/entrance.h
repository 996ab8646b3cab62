// Everything before a connection is admitted: HTTP requests and their answers, the
// door's questions, the upgrade, and the telling of a refusal. One per connection,
// gone once the connection is ready.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admission/door.h"
#include "admission/limits.h"
#include "base/http.h"
#include "gateway/arrival.h"
#include "gateway/room_port.h"
#include "http/idle_queue.h"
#include "protocol/command.h"
#include "wire/http_parser.h"
#include "wire/websocket.h"

namespace foyer::gateway {

class Connection;
class Shard;

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
[[nodiscard]] std::string http_date(WallTime now);

class Entrance final : private http::IdleLink {
 public:
  // Where something is full, that is all that is told, by the door or by HTTP.
  Entrance(Connection& connection, Arrival arrival);
  ~Entrance();

  void on_bytes(std::string_view bytes); // entering and deciding
  void on_eof();
  void on_drained();
  void on_timer();
  // The first message of a socket that waits for `authenticate`.
  void on_first_message(std::string_view text);
  void on_first_binary();
  // What comes before the decision waits for it: messages (false: too many), a Close, the end of the stream.
  [[nodiscard]] bool hold(wire::Opcode kind, std::string_view payload);
  void hold_close(std::uint16_t code) { parted_ = code; }
  void hold_end() { half_closed_ = true; }
  [[nodiscard]] bool parted() const { return parted_.has_value(); } // nothing behind a Close is read
  void shut_down(); // draining: an answer under way is finished, nothing new is begun

  void answered(Result<Identity> identity); // of a ticket or a cookie, later
  void keys_answered(Result<bool> newer);   // for a token whose key was unknown, later
  void check_token();                       // there is time for it now
  void request_answered(Response response); // of a route, later
  [[nodiscard]] bool upgraded() const { return upgraded_; }
  [[nodiscard]] bool finished() const { return finished_; } // handed over, or nothing more to do: may be deleted

 private:
  void read_requests(std::string_view bytes);
  void read_request(std::string_view& rest);
  void take_head();
  [[nodiscard]] bool for_door() const;
  [[nodiscard]] bool answered_by_head();
  [[nodiscard]] std::optional<Refusal> turned_away() const;
  void handle_request(std::string_view& rest);
  void keep(std::string_view bytes);
  void begin_refusal();
  void refuse_request(const Refusal& refusal);
  void refuse_whole(const Refusal& refusal);
  void route();
  void redirect_to_base();
  void leave();
  void look_again();
  void end();
  void expect_taken(std::size_t bytes);
  void give_up_answer(std::size_t left);
  [[nodiscard]] bool busy() const; // what arrives now has to wait
  void wait_for(Millis patience);
  void schedule();
  [[nodiscard]] Millis of_request(Millis patience) const;
  void respond(Response response, bool keep_alive);
  void respond_problem(const Refusal& refusal);
  void begin_door();
  void drive();
  [[nodiscard]] bool judge_token(); // false: newer keys are awaited
  void check_token_later();
  void await_first_message();
  void admit(Admission admission);
  void send_refusal(Refusal refusal);
  void report(const Refusal& refusal);
  [[nodiscard]] std::optional<Refusal> readiness();
  [[nodiscard]] std::optional<Refusal> capacity(const Identity& identity);
  [[nodiscard]] std::optional<Refusal> lost_store() const;
  void upgrade(std::string_view subprotocol, bool flush_early);
  void arm(Millis after);
  void give_way() override;

  Connection& connection_;
  Shard& shard_;
  wire::HttpParser parser_;
  Request request_;
  std::unique_ptr<admission::Door> door_;
  std::optional<Refusal> full_;
  std::string early_;                                      // bytes behind a request that is being answered or decided
  std::vector<std::pair<wire::Opcode, std::string>> held_; // messages behind an `authenticate` that is being decided
  std::size_t held_bytes_ = 0;
  std::optional<std::uint16_t> parted_; // the code of a Close behind them
  std::string address_;
  std::string origin_;      // of the handshake
  std::string path_;        // kept for the report, after the request is gone
  std::string upgrade_key_; // Sec-WebSocket-Key
  std::string user_;        // once established
  Ref ref_;
  admission::Permit handshake_, arriving_; // see Arrival
  admission::Permit pending_, user_pass_, address_pass_;
  MessageId authenticate_id_;
  protocol::ClientTerms terms_; // of the client, from the query and from `authenticate`
  std::string token_;           // to be checked
  MonoTime begun_{};            // the first byte of the request that is read or answered
  MonoTime due_{};              // the end of our patience with what is awaited
  MonoTime untaken_due_{};      // by then owed_ bytes of untaken_ must have reached the client
  std::size_t untaken_ = 0;     // bytes of answers that were on their way when it was set, and since; 0: none is
  std::size_t owed_ = 0;
  bool waiting_ = false;     // for a handler, for the auth service or for time to check a token
  bool newest_keys_ = false; // the token's key was unknown, and what keys there are has been asked since
  bool upgraded_ = false;
  bool finished_ = false;
  bool reading_ = false;      // inside read_requests
  bool asked_ = false;        // at least one request was read
  bool resting_ = false;      // answers are to be taken before more requests are read
  bool half_closed_ = false;  // the client sends nothing more
  bool flooded_ = false;      // bytes behind early_ were dropped
  bool at_base_ = false;      // the request is for the path of PUBLIC_URL without a slash behind it
  bool leaving_ = false;      // the last answer is on its way
  bool last_request_ = false; // draining, or the client asked for close, or a refusal that ends the connection
};

} // namespace foyer::gateway

// The probes: each asks one thing of a server, once, and returns what it saw. Nothing is decided here, and nothing is
// repeated.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/facts.h"
#include "doctor/net.h"
#include "doctor/stream.h"

namespace foyer::doctor {

// Where to connect, and as whom the server is addressed.
struct Place {
  std::string address = {}; // numeric
  std::uint16_t port = 0;
  bool tls = false;
  std::string name = {};      // of the certificate and SNI
  std::string authority = {}; // Host
  std::string ca_file = {};
};

struct HttpAsk {
  std::string path = {};
  std::string query = {};
  bool upgrade = false;
  std::string upgrade_word = "websocket";
  std::optional<std::string> origin = {};
  std::string token = {}; // Authorization: Bearer; empty: none
  std::vector<std::string> subprotocols = {};
  bool deflate = false;
};

// What to do with an open WebSocket.
struct TalkAsk {
  std::vector<std::string> say = {}; // text messages, sent one after the other
  std::size_t messages = 0;          // to wait for, before the ping
  std::optional<Millis> quiet = {};  // wait so long without a word before the ping
};

// How long each probe waits. All of them also end with the run's own deadline.
struct ProbeLimits {
  Millis resolve{3'000};
  Millis connect{2'000};
  Millis tls{3'000};
  Millis answer{3'500}; // from the request to the end of the head: haproxy tries its server for 3 s
  Millis body{500};     // behind the head
  Millis pong{1'500};
  Millis close{1'000}; // from our Close to the end
};

class Prober {
 public:
  Prober(Entropy& entropy, const Deadline& run, ProbeLimits limits = {});

  [[nodiscard]] NameFacts name(const std::string& host) const;
  [[nodiscard]] std::vector<ConnectFacts> connect(const std::vector<std::string>& addresses, std::uint16_t port) const;
  [[nodiscard]] TlsFacts tls(const Place& place, const TlsAsk& ask) const;
  // The exchange alone; an upgraded connection is dropped.
  [[nodiscard]] Exchange exchange(const Place& place, const HttpAsk& ask) const;
  // A handshake and, if it was accepted, a talk; `beside`: another handshake while this socket is open.
  [[nodiscard]] Upgraded talk(
      const Place& place, const HttpAsk& ask, const TalkAsk& talk, std::optional<Exchange>* beside = nullptr) const;

 private:
  struct Opened;
  [[nodiscard]] Opened open(const Place& place, const HttpAsk& ask) const;
  [[nodiscard]] std::string request_of(const Place& place, const HttpAsk& ask, std::string& key) const;
  void read_answer(Stream& stream, Exchange& exchange, std::string& behind) const;

  Entropy& entropy_;
  Deadline run_;
  ProbeLimits limits_;
};

} // namespace foyer::doctor

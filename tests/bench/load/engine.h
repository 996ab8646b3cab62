// The client's side of all benchmarks: one thread, one epoll, as many connections
// as asked for. It is meant to cost less than any server it measures; what is
// reported is the server's CPU time, so its own speed does not enter.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

enum class Protocol : std::uint8_t {
  foyer, // HTTP upgrade at /ws/chat with a signed token, then JSON messages
  raw,   // frames without a handshake, for the limit programs
};

struct Options {
  Protocol protocol = Protocol::foyer;
  std::uint16_t port = 8000;
  int server_pid = 0;
  int connections = 1000;
  int outstanding = 1;
  double seconds = 3;
  double warm_up = 0.5;
  int text_bytes = 100;
  int source_addresses =
      1; // clients come from 127.0.0.2, 127.0.0.3, … (a port can be used again at once from another one)
  std::string room = "live-fan";
  std::string secret, issuer = "foyer-bench", audience = "foyer";
};

struct Connection {
  enum class Phase : std::uint8_t { closed, connecting, upgrading, open };
  int fd = -1;
  Phase phase = Phase::closed;
  int stage = 0;              // the mode's own
  std::uint64_t received = 0; // the mode's own
  std::string user;
  std::string in;  // an unfinished head or frame
  std::string out; // what the kernel did not take
};

class Mode {
 public:
  virtual ~Mode() = default;
  virtual void on_open(Connection&) {} // connected, and upgraded if the protocol does that
  virtual void on_message(Connection&, std::string_view payload) = 0;
  virtual void on_closed(Connection& connection) = 0;
};

class Engine {
 public:
  Engine(const Options& options, Mode& mode);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] Connection& add(std::string user); // not connected yet; the reference stays valid
  void connect(Connection& connection);
  void close(Connection& connection);
  void send_text(Connection& connection, std::string_view text);
  void send_bytes(Connection& connection, std::string_view bytes);
  // Waits at most so long for something to happen and handles a batch of it.
  void step(int milliseconds = 100);

 private:
  void on_writable(Connection& connection);
  void on_readable(Connection& connection);
  [[nodiscard]] bool read_head(Connection& connection, std::string_view& bytes); // false: wait for more
  void watch(Connection& connection, bool writable, bool add);
  std::string upgrade_request(const Connection& connection);

  const Options& options_;
  Mode& mode_;
  int epoll_;
  std::deque<Connection> connections_;
  std::vector<char> buffer_;
  std::uint64_t serial_ = 0;
  std::uint32_t next_source_ = 0;
};

[[noreturn]] void die(std::string_view what);
[[nodiscard]] double now_s();
// CPU time that the process has used, all threads, user and system.
[[nodiscard]] double cpu_s(int pid);
[[nodiscard]] long rss_kib(int pid);
// HS256, valid for an hour; `serial` makes its jti.
[[nodiscard]] std::string make_token(const Options& options, std::string_view user, std::uint64_t serial);
[[nodiscard]] bool has_type(
    std::string_view json, std::string_view type); // type is the first member, as servers write it

int run_fanout(const Options& options);
int run_pingpong(const Options& options);
int run_connect(const Options& options);
int run_idle(const Options& options);

} // namespace bench

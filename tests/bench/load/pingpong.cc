// C clients, each with one native ping outstanding.
#include <cstdio>

#include "load/engine.h"

namespace bench {

namespace {

class PingPong final : public Mode {
 public:
  explicit PingPong(const Options& options) : options_(options), engine_(options, *this) {}

  int run() {
    constexpr int kAtOnce = 100;
    for (int i = 0; i < options_.connections; ++i) {
      engine_.connect(engine_.add("user-" + std::to_string(i)));
      while (i + 1 - open_ >= kAtOnce) engine_.step();
    }
    while (open_ < options_.connections) engine_.step();
    run_for(options_.warm_up);
    const double cpu = cpu_s(options_.server_pid), wall = now_s();
    const std::uint64_t before = pongs_;
    run_for(options_.seconds);
    const double used = cpu_s(options_.server_pid) - cpu, passed = now_s() - wall;
    const auto count = static_cast<double>(pongs_ - before);
    std::printf(R"({"mode":"pingpong","c":%d,"requests":%.0f,"wall_s":%.3f,"cpu_s":%.3f,"per_cpu_s":%.0f})"
                "\n",
        options_.connections, count, passed, used, count / used);
    return 0;
  }

 private:
  void run_for(double seconds) {
    const double end = now_s() + seconds;
    while (now_s() < end) engine_.step();
  }
  void ping(Connection& connection) { engine_.send_text(connection, R"({"type":"ping"})"); }
  void on_open(Connection& connection) override {
    if (options_.protocol == Protocol::foyer) return;
    ++open_;
    ping(connection);
  }
  void on_message(Connection& connection, std::string_view payload) override {
    if (has_type(payload, "pong") || (options_.protocol == Protocol::raw && has_type(payload, "ping"))) {
      ++pongs_;
      ping(connection);
    } else if (has_type(payload, "authentication_success")) {
      ++open_;
      ping(connection);
    } else if (has_type(payload, "error") || has_type(payload, "authentication_error")) {
      die("the server refused: " + std::string(payload));
    }
  }
  void on_closed(Connection&) override { die("the server closed a connection"); }

  const Options& options_;
  Engine engine_;
  int open_ = 0;
  std::uint64_t pongs_ = 0;
};

} // namespace

int run_pingpong(const Options& options) { return PingPong(options).run(); }

} // namespace bench

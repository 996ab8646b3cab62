// C clients that connect, are admitted, close, and begin again. Every connection
// brings a token of its own. Without a protocol: connect, one frame there and back, close.
#include <cstdio>

#include "load/engine.h"

namespace bench {

namespace {

class Connect final : public Mode {
 public:
  explicit Connect(const Options& options) : options_(options), engine_(options, *this) {}

  int run() {
    for (int i = 0; i < options_.connections; ++i) engine_.connect(engine_.add("user-" + std::to_string(i)));
    run_for(options_.warm_up);
    const double cpu = cpu_s(options_.server_pid), wall = now_s();
    const std::uint64_t before = done_;
    run_for(options_.seconds);
    const double used = cpu_s(options_.server_pid) - cpu, passed = now_s() - wall;
    const auto count = static_cast<double>(done_ - before);
    std::printf(R"({"mode":"connect","c":%d,"connects":%.0f,"wall_s":%.3f,"cpu_s":%.3f,"per_cpu_s":%.0f})"
                "\n",
        options_.connections, count, passed, used, count / used);
    return 0;
  }

 private:
  void run_for(double seconds) {
    const double end = now_s() + seconds;
    while (now_s() < end) engine_.step();
  }
  void on_open(Connection& connection) override {
    if (options_.protocol == Protocol::raw)
      engine_.send_text(connection, std::string(static_cast<std::size_t>(options_.text_bytes), 'x'));
  }
  void on_message(Connection& connection, std::string_view payload) override {
    if (options_.protocol == Protocol::foyer && !has_type(payload, "authentication_success"))
      die("the server refused: " + std::string(payload));
    ++done_;
    engine_.close(connection);
    engine_.connect(connection);
  }
  void on_closed(Connection&) override { die("the server closed a connection"); }

  const Options& options_;
  Engine engine_;
  std::uint64_t done_ = 0;
};

} // namespace

int run_connect(const Options& options) { return Connect(options).run(); }

} // namespace bench

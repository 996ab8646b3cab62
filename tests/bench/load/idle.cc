// N users who joined one room and then do nothing: memory of the server's process
// per connection, and its CPU time while they are idle.
#include <cstdio>

#include "load/engine.h"

namespace bench {

namespace {

class Idle final : public Mode {
 public:
  explicit Idle(const Options& options) : options_(options), engine_(options, *this) {}

  int run() {
    const long before = rss_kib(options_.server_pid);
    constexpr int kAtOnce = 100;
    for (int i = 0; i < options_.connections; ++i) {
      engine_.connect(engine_.add("user-" + std::to_string(i)));
      while (i + 1 - joined_ >= kAtOnce) engine_.step();
    }
    while (joined_ < options_.connections) engine_.step();
    run_for(2); // the last announcements
    const long after = rss_kib(options_.server_pid);
    const double cpu = cpu_s(options_.server_pid), wall = now_s();
    run_for(options_.seconds);
    const double used = cpu_s(options_.server_pid) - cpu, passed = now_s() - wall;
    const auto n = static_cast<double>(options_.connections);
    std::printf(
        R"({"mode":"idle","n":%d,"rss_before_kib":%ld,"rss_after_kib":%ld,"bytes_each":%.0f,"wall_s":%.1f,"cpu_s":%.3f,"cpu_us_per_s_each":%.2f})"
        "\n",
        options_.connections, before, after, static_cast<double>(after - before) * 1024 / n, passed, used,
        used * 1e6 / passed / n);
    return 0;
  }

 private:
  void run_for(double seconds) {
    const double end = now_s() + seconds;
    while (now_s() < end) engine_.step();
  }
  void on_open(Connection&) override {
    if (options_.protocol == Protocol::raw) ++joined_;
  }
  void on_message(Connection& connection, std::string_view payload) override {
    if (has_type(payload, "authentication_success"))
      engine_.send_text(connection, R"({"type":"join","room":")" + options_.room + R"("})");
    else if (has_type(payload, "joined"))
      ++joined_;
    else if (has_type(payload, "error") || has_type(payload, "authentication_error"))
      die("the server refused: " + std::string(payload));
  }
  void on_closed(Connection&) override { die("the server closed a connection"); }

  const Options& options_;
  Engine engine_;
  int joined_ = 0;
};

} // namespace

int run_idle(const Options& options) { return Idle(options).run(); }

} // namespace bench

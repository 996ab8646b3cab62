// N subscribers of one room and a publisher outside it that keeps W messages
// outstanding. A message is outstanding until the last subscriber has received it.
#include <cstdio>
#include <vector>

#include "load/engine.h"
#include "wire/websocket.h"

namespace bench {

namespace {

class Fanout final : public Mode {
 public:
  explicit Fanout(const Options& options) : options_(options), engine_(options, *this), missing_(1U << 16, 0) {
    std::string text(static_cast<std::size_t>(options.text_bytes), 'x');
    foyer::wire::append_masked_frame(command_, foyer::wire::Opcode::text,
        R"({"type":"chat","room":")" + options.room + R"(","message":")" + text + R"("})", 0x5a17c3e9);
  }

  int run() {
    constexpr int kAtOnce = 100;
    for (int i = 0; i < options_.connections; ++i) {
      engine_.connect(engine_.add("reader-" + std::to_string(i)));
      while (i + 1 - joined_ >= kAtOnce) engine_.step();
    }
    while (joined_ < options_.connections) engine_.step();
    publisher_ = &engine_.add("writer");
    engine_.connect(*publisher_);
    while (!publishing_) engine_.step();

    run_for(options_.warm_up);
    const double cpu = cpu_s(options_.server_pid), wall = now_s();
    const std::uint64_t before = deliveries_, messages = completed_;
    run_for(options_.seconds);
    const double used = cpu_s(options_.server_pid) - cpu, passed = now_s() - wall;
    const auto count = static_cast<double>(deliveries_ - before);
    std::printf(
        R"({"mode":"fanout","n":%d,"w":%d,"deliveries":%.0f,"messages":%.0f,"wall_s":%.3f,"cpu_s":%.3f,"frame_bytes":%zu,"per_cpu_s":%.0f})"
        "\n",
        options_.connections, options_.outstanding, count, static_cast<double>(completed_ - messages), passed, used,
        frame_bytes_, count / used);
    return 0;
  }

 private:
  void run_for(double seconds) {
    const double end = now_s() + seconds;
    while (now_s() < end) {
      std::string burst;
      while (published_ - completed_ < static_cast<std::uint64_t>(options_.outstanding)) {
        missing_[published_ % missing_.size()] = options_.connections;
        ++published_;
        burst += command_;
      }
      if (!burst.empty()) engine_.send_bytes(*publisher_, burst);
      engine_.step();
    }
  }

  void on_open(Connection& connection) override {
    if (options_.protocol == Protocol::foyer) return;
    if (&connection == publisher_)
      publishing_ = true;
    else
      ++joined_;
  }

  void on_message(Connection& connection, std::string_view payload) override {
    if (has_type(payload, "message")) {
      frame_bytes_ = payload.size() + (payload.size() < 126 ? 2 : 4);
      ++deliveries_;
      if (--missing_[connection.received++ % missing_.size()] == 0) ++completed_;
    } else if (has_type(payload, "authentication_success")) {
      if (&connection == publisher_)
        publishing_ = true;
      else
        engine_.send_text(connection, R"({"type":"join","room":")" + options_.room + R"("})");
    } else if (has_type(payload, "joined")) {
      ++joined_;
    } else if (has_type(payload, "error") || has_type(payload, "authentication_error")) {
      die("the server refused: " + std::string(payload));
    }
  }

  void on_closed(Connection&) override { die("the server closed a connection"); }

  const Options& options_;
  Engine engine_;
  std::string command_;
  Connection* publisher_ = nullptr;
  bool publishing_ = false;
  int joined_ = 0;
  std::size_t frame_bytes_ = 0;
  std::uint64_t published_ = 0, completed_ = 0, deliveries_ = 0;
  std::vector<int> missing_; // by message: subscribers that have not received it
};

} // namespace

int run_fanout(const Options& options) { return Fanout(options).run(); }

} // namespace bench

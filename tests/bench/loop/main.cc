// The same work as bench_limit, on our event loop and our frame decoder but without
// gateway, session and JSON: what lies between this and the limit is loop's and
// wire's, what lies between this and foyer belongs to the layers above.
//
//   bench_loop fanout PORT FRAME_BYTES | echo PORT | accept PORT
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/event_loop.h"
#include "io/poll/epoll_poller.h"
#include "wire/websocket.h"

namespace {

using namespace foyer;

struct World {
  std::string_view mode;
  SharedBytes frame;
  std::vector<class Receiver*> receivers{};
};

class Receiver final : public io::TransportHandler, private wire::WsSink {
 public:
  Receiver(World& world, io::Transport& transport)
      : world_(world),
        transport_(transport),
        decoder_(wire::WsRole::server, 1 << 16) {
    if (world.mode == "fanout") enlist();
  }
  void on_bytes(std::span<char> bytes) override {
    if (world_.mode == "accept")
      transport_.send_copy({bytes.data(), bytes.size()});
    else
      decoder_.feed(bytes, *this);
  }
  void on_eof() override { transport_.abort(); }
  void on_drained() override {}
  void on_closed() override {
    if (world_.mode == "fanout") leave();
    delete this;
  }

 private:
  void enlist() {
    place_ = world_.receivers.size();
    world_.receivers.push_back(this);
  }
  void leave() {
    if (place_ == kNone) return;
    world_.receivers.back()->place_ = place_;
    std::swap(world_.receivers[place_], world_.receivers.back());
    world_.receivers.pop_back();
    place_ = kNone;
  }
  bool on_message(wire::Opcode, std::string_view payload) override {
    if (world_.mode == "fanout") {
      leave(); // who sends is a publisher
      const SharedBytes publication = share(*world_.frame);
      for (Receiver* receiver : world_.receivers) receiver->transport_.send(publication);
    } else {
      std::string frame;
      wire::append_frame(frame, wire::Opcode::text, payload);
      transport_.send_copy(frame);
    }
    return true;
  }
  bool on_ping(std::string_view) override { return true; }
  bool on_pong(std::string_view) override { return true; }
  bool on_close(std::uint16_t, std::string_view) override { return false; }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  World& world_;
  io::Transport& transport_;
  wire::WsDecoder decoder_;
  std::size_t place_ = kNone;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("bench_loop fanout PORT FRAME_BYTES | echo PORT | accept PORT\n", stderr);
    return 2;
  }
  const auto total = static_cast<std::size_t>(argc > 3 ? std::atoi(argv[3]) : 250);
  std::string payload = R"({"type":"message",)";
  payload.resize(total - (total - 2 < 126 ? 2 : 4), 'x');
  std::string frame;
  wire::append_frame(frame, wire::Opcode::text, payload);
  World world{.mode = argv[1], .frame = share(frame)};

  auto listener = io::Listener::open({.host = "127.0.0.1", .port = static_cast<std::uint16_t>(std::atoi(argv[2]))});
  if (!listener) {
    std::fputs(listener.error().evidence.c_str(), stderr);
    return 1;
  }
  io::EventLoop loop(0, system_clock(), null_log(), io::make_epoll_poller());
  loop.listen(*listener, [&world](io::Loop&, io::Transport& transport) { return new Receiver(world, transport); });
  loop.run();
}

#include "harness/memory_network.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "wire/websocket.h"

namespace foyer::harness {

class MemoryTransport final : public io::Transport, private io::Timer {
 public:
  MemoryTransport(MemoryLoop& loop, std::shared_ptr<Link> link, std::string address, bool secure)
      : loop_(loop),
        link_(std::move(link)),
        address_(std::move(address)),
        secure_(secure) {}

  void send(const SharedBytes& bytes) override {
    if (state_ == State::open && bytes && !bytes->empty()) fresh_.push_back(bytes);
  }
  void send_copy(std::string_view bytes) override { send(share(std::string{bytes})); }
  std::size_t queued() const override {
    std::size_t all = backlog_.bytes();
    for (const auto& unit : fresh_) all += unit->size();
    return all;
  }
  std::size_t drop_queue() override {
    const std::size_t before = queued();
    fresh_.clear();
    backlog_.drop_unstarted();
    return before - queued();
  }
  void close_gracefully(Millis linger) override {
    if (state_ != State::open) return;
    state_ = State::flushing;
    linger_ = linger;
    loop_.arm(*this, linger);
    changed_ = true;
  }
  void abort() override {
    if (state_ == State::closed) return;
    state_ = State::closed;
    loop_.disarm(*this);
    fresh_.clear();
    link_->server_ended = link_->server_closed = true;
  }
  void set_handler(io::TransportHandler* handler) override { handler_ = handler; }
  std::string_view peer_address() const override { return address_; }
  bool secure() const override { return secure_; }

 private:
  friend class MemoryLoop;
  friend class MemoryNetwork;
  enum class State : std::uint8_t { open, flushing, lingering, closed };

  void on_timer() override { abort(); }

  // The socket's side of a turn: an error, bytes, the end, room to write.
  bool look(std::size_t chunk) {
    if (state_ == State::closed) return false;
    if (link_->broken) {
      abort();
      return true;
    }
    bool did = false;
    if (!link_->silent && !link_->to_server.empty()) {
      did = true;
      const std::size_t size = std::min(chunk, link_->to_server.size());
      // Exactly as many bytes as are promised, so that a sanitizer sees one more.
      const auto buffer = std::make_unique<char[]>(size + wire::kPadding);
      std::memcpy(buffer.get(), link_->to_server.data(), size);
      link_->to_server.erase(0, size);
      if (state_ == State::open) handler_->on_bytes({buffer.get(), size});
    }
    // The end may come with the last bytes, as it does from a kernel.
    if (state_ != State::closed && !link_->silent && link_->to_server.empty() && link_->client_ended && !end_seen_) {
      did = end_seen_ = true;
      if (state_ == State::lingering)
        abort();
      else if (state_ == State::open)
        handler_->on_eof();
    }
    if (state_ == State::closed || backlog_.empty() || !writable()) return did;
    write();
    if (state_ != State::closed && backlog_.empty()) {
      if (state_ == State::open) handler_->on_drained();
      changed_ = true;
    }
    return true;
  }

  bool waits() const { return state_ == State::open && !link_->silent && !link_->to_server.empty(); }
  bool writable() const {
    return link_->silent ? false : link_->client_gone || link_->to_client.size() < link_->capacity;
  }

  void write() {
    if (link_->client_gone && !link_->silent) return abort(); // the peer answers with a reset
    std::array<iovec, 16> pieces;
    while (!backlog_.empty() && writable()) {
      const std::size_t count = backlog_.gather(pieces);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t room = link_->capacity - std::min(link_->capacity, link_->to_client.size());
        const std::size_t size = std::min(room, pieces[i].iov_len);
        link_->to_client.append(static_cast<const char*>(pieces[i].iov_base), size);
        taken += size;
        if (size < pieces[i].iov_len) break;
      }
      backlog_.consume(taken);
    }
  }

  bool flush() {
    if (state_ == State::closed || (fresh_.empty() && !changed_)) return false;
    changed_ = false;
    const bool was_full = !backlog_.empty();
    for (auto& unit : fresh_) backlog_.push(std::move(unit));
    fresh_.clear();
    if (!was_full && !backlog_.empty()) write();
    if (state_ == State::flushing && backlog_.empty()) {
      link_->server_ended = true;
      state_ = State::lingering;
      if (end_seen_ || linger_ <= Millis{0})
        abort();
      else
        loop_.arm(*this, linger_);
    }
    return true;
  }

  MemoryLoop& loop_;
  std::shared_ptr<Link> link_;
  io::TransportHandler* handler_ = nullptr;
  std::vector<SharedBytes> fresh_; // of this turn
  io::Backlog backlog_;
  std::string address_;
  Millis linger_{0};
  State state_ = State::open;
  bool secure_;
  bool end_seen_ = false;
  bool changed_ = false;
};

void MemoryClient::write(std::string_view bytes) {
  if (!link_->silent && !link_->server_closed && !link_->client_ended) link_->to_server.append(bytes);
}

std::string MemoryClient::take(std::size_t at_most) {
  std::string taken = link_->to_client.substr(0, at_most);
  link_->to_client.erase(0, taken.size());
  return taken;
}

MemoryLoop::MemoryLoop(std::uint8_t index, const Clock& clock)
    : index_(index),
      clock_(clock),
      now_(clock.mono()),
      wall_(clock.wall()),
      wheel_(now_) {}

MemoryLoop::~MemoryLoop() { close_all(); }

void MemoryLoop::post(std::move_only_function<void()> task) { (void)mailbox_.put(std::move(task)); }

bool MemoryLoop::read_sockets() {
  bool did = false;
  // By number: an accept function or a handler may add connections meanwhile.
  for (std::size_t i = 0; i < transports_.size(); ++i) did = transports_[i]->look(chunk_) || did;
  return did;
}

bool MemoryLoop::close_sockets() {
  std::vector<std::unique_ptr<MemoryTransport>> gone;
  for (auto& transport : transports_)
    if (transport->state_ == MemoryTransport::State::closed) gone.push_back(std::move(transport));
  std::erase(transports_, nullptr);
  for (auto& transport : gone)
    if (transport->handler_ != nullptr) transport->handler_->on_closed();
  return !gone.empty();
}

bool MemoryLoop::turn() {
  now_ = clock_.mono();
  wall_ = clock_.wall();
  if (busy_ && std::ranges::any_of(transports_, [](const auto& transport) { return transport->waits(); }))
    costly_.later([] {});
  bool did = mailbox_.run_all() > 0;
  did = wheel_.advance(now_) > 0 || did;
  did = read_sockets() || did;
  for (std::size_t i = 0; i < transports_.size(); ++i) did = transports_[i]->flush() || did;
  did = close_sockets() || did;
  auto tasks = std::exchange(tasks_, {});
  for (auto& task : tasks) task();
  return !tasks.empty() || did;
}

void MemoryLoop::close_all() {
  for (std::size_t i = 0; i < transports_.size(); ++i) transports_[i]->abort();
  while (close_sockets()) {}
}

MemoryNetwork::MemoryNetwork(ManualClock& clock, std::size_t loops) : clock_(clock) {
  for (std::size_t i = 0; i < loops; ++i)
    loops_.push_back(std::make_unique<MemoryLoop>(static_cast<std::uint8_t>(i), clock));
}

MemoryNetwork::~MemoryNetwork() { close_all(); }

void MemoryNetwork::close_all() {
  for (auto& loop : loops_) loop->close_all();
}

void MemoryNetwork::listen(const AcceptMaker& make) {
  accept_.clear();
  for (auto& loop : loops_) accept_.push_back(make(*loop));
}

std::unique_ptr<MemoryClient> MemoryNetwork::connect(std::size_t index, std::string address, bool secure) {
  MemoryLoop& loop = *loops_.at(index);
  auto link = std::make_shared<Link>();
  auto client = std::make_unique<MemoryClient>(link);
  loop.transports_.push_back(std::make_unique<MemoryTransport>(loop, std::move(link), std::move(address), secure));
  MemoryTransport& transport = *loop.transports_.back();
  transport.handler_ = accept_.at(index)(loop, transport);
  if (transport.handler_ == nullptr) transport.abort();
  return client;
}

void MemoryNetwork::pump() {
  constexpr int kRounds = 1'000'000;
  for (int i = 0; i < kRounds; ++i) {
    bool did = false;
    for (auto& loop : loops_) did = loop->turn() || did;
    for (auto& step : others_) did = step() || did;
    if (!did) return;
  }
  throw std::logic_error("the network does not come to rest");
}

void MemoryNetwork::advance(Millis time) {
  pump();
  while (time > Millis{0}) {
    const Millis step = std::min(time, io::TimerWheel::kTick);
    clock_.advance(step);
    time -= step;
    pump();
  }
}

void MemoryNetwork::be_busy() {
  for (auto& loop : loops_) loop->be_busy();
}

void MemoryNetwork::deliver_in_pieces_of(std::size_t bytes) {
  for (auto& loop : loops_) loop->chunk_ = std::max<std::size_t>(1, bytes);
}

} // namespace foyer::harness

#include "harness/memory_poller.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "wire/websocket.h"

namespace foyer::harness {

io::Handle MemoryPoller::add(std::shared_ptr<Link> link) {
  sockets_.push_back({.number = next_number_, .link = std::move(link)});
  return static_cast<io::Handle>(next_number_++);
}

MemoryPoller::Socket& MemoryPoller::of(io::Handle socket) {
  return *std::ranges::lower_bound(sockets_, static_cast<std::uint32_t>(socket), {}, &Socket::number);
}

// Reports what is the case, not what changed: it is said again until it has been read.
io::Event MemoryPoller::event_of(const Socket& socket) const {
  const Link& link = *socket.link;
  const bool broken = link.broken && !socket.failure_was_read;
  // The end comes with the last bytes, as it does from a kernel.
  const bool end = link.client_ended && !link.silent && !socket.end_was_read && link.to_server.size() <= piece_;
  return {.tag = socket.tag,
      .readable = broken || end || link.has_bytes(),
      .writable = socket.wants_writable && link.has_room(),
      .ended = broken || end};
}

bool MemoryPoller::has_events() const {
  return std::ranges::any_of(sockets_, [this](const Socket& socket) {
    const io::Event event = event_of(socket);
    return event.readable || event.writable;
  });
}

bool MemoryPoller::bytes_wait() const {
  return std::ranges::any_of(sockets_, [](const Socket& socket) { return socket.link->has_bytes(); });
}

std::size_t MemoryPoller::wait(std::span<io::Event> events, std::optional<Millis>) {
  const std::size_t room = std::min(events.size(), kMostEvents);
  const auto first = std::ranges::lower_bound(sockets_, std::exchange(continue_at_, 0), {}, &Socket::number);
  std::size_t filled = 0;
  const auto report = [&](auto from, auto to) {
    for (; from != to; ++from) {
      const io::Event event = event_of(*from);
      if (!event.readable && !event.writable) continue;
      if (filled == room) {
        continue_at_ = from->number;
        return;
      }
      events[filled++] = event;
    }
  };
  report(first, sockets_.end());
  if (continue_at_ == 0) report(sockets_.begin(), first);
  return filled;
}

bool MemoryPoller::watch(io::Handle socket, io::Tag tag) {
  of(socket).tag = tag;
  return true;
}

void MemoryPoller::want_writable(io::Handle socket, io::Tag, bool wanted) { of(socket).wants_writable = wanted; }

io::Received MemoryPoller::read(io::Handle socket) {
  using Outcome = io::Received::Outcome;
  Socket& from = of(socket);
  Link& link = *from.link;
  if (link.broken) {
    from.failure_was_read = true;
    return {.outcome = Outcome::failed};
  }
  if (link.silent) return {.outcome = Outcome::nothing};
  if (link.to_server.empty()) {
    from.end_was_read = link.client_ended;
    return {.outcome = link.client_ended ? Outcome::end : Outcome::nothing};
  }
  const std::size_t size = std::min({piece_, kMostRead, link.to_server.size()});
  buffer_ = std::make_unique<char[]>(size + wire::kPadding);
  std::memcpy(buffer_.get(), link.to_server.data(), size);
  link.to_server.erase(0, size);
  return {.outcome = Outcome::bytes, .more = size == kMostRead, .bytes = {buffer_.get(), size}};
}

std::optional<std::size_t> MemoryPoller::send(io::Handle socket, std::span<const iovec> pieces, bool /*end_follows*/) {
  Link& link = *of(socket).link;
  if (link.silent) return 0;
  if (link.client_gone) return std::nullopt; // the peer answers with a reset
  std::size_t taken = 0;
  for (const iovec& piece : pieces) {
    const std::size_t size = std::min(link.capacity - std::min(link.capacity, link.to_client.size()), piece.iov_len);
    link.to_client.append(static_cast<const char*>(piece.iov_base), size);
    taken += size;
    if (size < piece.iov_len) break;
  }
  return taken;
}

void MemoryPoller::shut_down(io::Handle socket) { of(socket).link->server_ended = true; }

bool MemoryPoller::has_failed(io::Handle socket) {
  Socket& asked = of(socket);
  asked.failure_was_read = asked.link->broken;
  return asked.link->broken;
}

void MemoryPoller::close(io::Handle socket) {
  const Socket& closing = of(socket);
  Link& link = *closing.link;
  link.server_ended = link.server_closed = true;
  link.server_reset = closing.resets;
  std::erase_if(sockets_, [&](const Socket& each) { return each.number == static_cast<std::uint32_t>(socket); });
}

} // namespace foyer::harness

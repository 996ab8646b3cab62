// Linux's epoll: connections edge-triggered, listening sockets level-triggered and exclusive, so that a connection
// wakes one loop and not all of them. A handle is the descriptor. One read buffer serves all connections.
//
// Without a free descriptor, accept() fails and the connection stays in the queue: the client hangs and the loop spins.
// So one descriptor is held in reserve; it is released to accept and close one connection at once, which the client
// notices.
#pragma once

#include <memory>

#include "io/poll/poller.h"

namespace foyer::io {

[[nodiscard]] std::unique_ptr<Poller> make_epoll_poller(); // throws std::system_error

// For a poller of epoll: a socket that is connected already. It is made non-blocking.
[[nodiscard]] Handle epoll_handle(int fd);

} // namespace foyer::io

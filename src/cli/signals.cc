#include "cli/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace foyer::cli {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Millis kLongestPoll{60'000};

int descriptor(int fd) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "no descriptor for signals");
  return fd;
}

Signals::Order order_of(std::uint32_t signal) {
  switch (signal) {
    case SIGHUP: return Signals::Order::reload;
    case SIGUSR1: return Signals::Order::reopen_log;
    default: return Signals::Order::end;
  }
}

} // namespace

Signals::Signals() {
  // XFSZ: a file at its limit becomes STORE_FULL and does not end the process.
  for (const int ignored : {SIGUSR2, SIGPIPE, SIGALRM, SIGXFSZ}) ::signal(ignored, SIG_IGN);
  // nohup leaves HUP ignored, and an ignored signal is never delivered.
  for (const int ours : {SIGHUP, SIGUSR1}) ::signal(ours, SIG_DFL);
  sigset_t set{};
  sigemptyset(&set);
  for (const int taken : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&set, taken);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  finished_ = descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

Signals::~Signals() {
  ::close(signals_);
  ::close(finished_);
}

Signals::Order Signals::wait() const {
  for (;;)
    if (const auto order = wait(kLongestPoll)) return *order;
}

std::optional<Signals::Order> Signals::wait(Millis at_most) const {
  const auto until = Steady::now() + at_most;
  for (;;) {
    pollfd ready[] = {
        {.fd = signals_, .events = POLLIN, .revents = 0}, {.fd = finished_, .events = POLLIN, .revents = 0}};
    const auto left = std::chrono::ceil<Millis>(until - Steady::now());
    if (::poll(ready, 2, static_cast<int>(std::clamp(left, Millis{0}, kLongestPoll).count())) < 0 && errno != EINTR)
      return std::nullopt;
    signalfd_siginfo about{};
    if (::read(signals_, &about, sizeof about) == sizeof about) return order_of(about.ssi_signo);
    std::uint64_t count = 0;
    if (::read(finished_, &count, sizeof count) == sizeof count) return Order::finished;
    if (Steady::now() >= until) return std::nullopt;
  }
}

void Signals::finish() const {
  const std::uint64_t one = 1;
  while (::write(finished_, &one, sizeof one) < 0 && errno == EINTR) {}
}

} // namespace foyer::cli

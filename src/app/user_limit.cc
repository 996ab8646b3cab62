#include "app/user_limit.h"

#include <algorithm>
#include <utility>

namespace foyer::app {

UserLimit::UserLimit(
    Options options, admission::UserConnections& own, engine::ControlBus& bus, Executor& control, const Clock& clock)
    : options_(std::move(options)),
      own_(own),
      bus_(bus),
      control_(control),
      elsewhere_(options_.limit, options_.tick, clock, [this] { later(&UserLimit::send); }) {}

void UserLimit::start() {
  own_.count_with(elsewhere_);
  bus_.listen(shared_from_this());
  control_.every(options_.tick, [known = weak_from_this()] {
    if (const auto self = known.lock()) self->tick();
  });
}

void UserLimit::later(void (UserLimit::*task)()) {
  control_.post([known = weak_from_this(), task] {
    if (const auto self = known.lock()) ((*self).*task)();
  });
}

void UserLimit::send() {
  std::vector<admission::UserReport> reports = elsewhere_.take(own_);
  for (auto rest = reports.begin(); rest != reports.end();) {
    const auto end = rest + std::min<std::ptrdiff_t>(reports.end() - rest, engine::kMostUserCounts);
    engine::UserCounts counts{.from = bus_.node()};
    for (; rest != end; ++rest) counts.users.emplace_back(std::move(rest->user), rest->open);
    bus_.send(std::move(counts), {.here = this});
  }
}

void UserLimit::tick() { elsewhere_.tick(options_.nodes(), own_); }

void UserLimit::post(std::shared_ptr<const engine::ControlMessage> message) {
  if (std::holds_alternative<engine::UserCounts>(*message)) received(*message);
}

void UserLimit::received(const engine::ControlMessage& message) {
  const auto* counts = std::get_if<engine::UserCounts>(&message);
  if (counts == nullptr || counts->from == bus_.node()) return;
  std::vector<admission::UserReport> reports;
  for (const auto& [user, open] : counts->users) reports.push_back({.user = user, .open = open});
  elsewhere_.heard(counts->from.str(), reports);
}

} // namespace foyer::app

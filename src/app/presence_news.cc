#include "app/presence_news.h"

#include <memory>
#include <utility>

namespace foyer::app {

void publish_presence(const engine::PresenceReport& report, const rooms::RoomRules& rules, std::size_t presence_events,
    engine::Fanout& fanout) {
  const rooms::RoomSettings settings = rules.of(report.room.view());
  if (!settings.presence || !settings.join_events) return;
  const auto publish = [&](decltype(rooms::Event::body) body, const UserId& except) {
    rooms::Event event{.room = report.room, .offset = report.order, .delivery = rooms::Delivery::ephemeral};
    event.except = except;
    event.body = std::move(body);
    fanout.publish(std::make_shared<rooms::Publication>(std::make_shared<const rooms::Event>(std::move(event))));
  };
  if (report.recount || report.count + report.came.size() + report.left.size() > presence_events)
    return publish(rooms::MembersChanged{report.count}, {});
  for (const rooms::Member& member : report.came) publish(rooms::MemberJoined{member}, member.id);
  for (const rooms::Member& member : report.left) publish(rooms::MemberLeft{member}, {});
}

} // namespace foyer::app

#include "gateway/shard_listener.h"

#include <utility>
#include <variant>

#include "base/overloaded.h"
#include "gateway/shard.h"
#include "protocol/event_frame.h"

namespace foyer::gateway {

rooms::PublicationPtr ShardListener::publication(rooms::EventPtr event) {
  auto publication = std::make_shared<rooms::Publication>(std::move(event));
  protocol::ClientTerms most;
  if (const auto* m = std::get_if<rooms::Message>(&publication->event().body);
      m != nullptr && m->type == rooms::BodyType::data)
    most.features.add(protocol::Feature::data);
  static_cast<void>(protocol::event_frame(*publication, shard_.codec(), most));
  return publication;
}

void ShardListener::post(rooms::PublicationPtr publication) {
  shard_.loop().post([this, publication = std::move(publication)] { arrived(*publication); });
}

void ShardListener::arrived(rooms::Publication& publication) {
  if (std::holds_alternative<rooms::RoomReset>(publication.event().body))
    shard_.reset(publication);
  else
    shard_.publish(publication);
}

void ShardListener::post(std::shared_ptr<const engine::ControlMessage> message) {
  shard_.loop().post([this, message = std::move(message)] { received(*message); });
}

void ShardListener::received(const engine::ControlMessage& message) {
  std::visit(Overloaded{[this](const engine::MemberAdded& m) { shard_.home().member_added(m.room, m.user); },
                 [this](const engine::Evict& m) { shard_.evict(m.room, m.user); },
                 [this](const engine::ToUser& m) { shard_.to_user(m.user, *m.publication, m.except.value); },
                 [this](const engine::CloseSubscribers& m) { shard_.close_all(m.room, m.refusal); },
                 [this](const engine::RevocationsChanged&) { shard_.check_revocations(); },
                 [this](const engine::Disconnect& m) { shard_.disconnect(m); },
                 [this](const engine::Unsubscribe& m) { shard_.unsubscribe(m); },
                 [this](const engine::Subscribe& m) { shard_.subscribe(m); },
                 [this](const engine::SetExpiry& m) { shard_.set_expiry(m); }, [](const engine::Ask&) {},
                 [](const engine::Told&) {}, [](const engine::UserCounts&) {}},
      message);
}

} // namespace foyer::gateway

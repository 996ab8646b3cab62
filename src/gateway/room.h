// A room as its owner holds it, and the words that the owner's files share. For
// room_owners.cc, room_messages.cc and room_membership.cc only.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "gateway/room_owners.h"
#include "wire/websocket.h"

namespace foyer::gateway {

[[nodiscard]] inline SharedBytes text_frame(std::string_view json) {
  std::string frame;
  frame.reserve(json.size() + 10);
  wire::append_frame(frame, wire::Opcode::text, json);
  return share(std::move(frame));
}

[[nodiscard]] inline protocol::MessageView view(const rooms::Message& m) {
  return {.offset = m.offset,
      .from = {m.from.id.view(), m.from.name},
      .text = m.text,
      .time = m.time,
      .key = m.key,
      .deleted = m.deleted};
}

[[nodiscard]] inline std::vector<protocol::MessageView> views(const std::vector<rooms::Message>& messages) {
  std::vector<protocol::MessageView> list;
  list.reserve(messages.size());
  for (const auto& m : messages) list.push_back(view(m));
  return list;
}

[[nodiscard]] inline protocol::ChangeView view(const rooms::Change& c) {
  const bool of_author = c.kind == rooms::ChangeKind::author_detached;
  return {.number = c.number,
      .offset = c.offset,
      .author = of_author ? protocol::UserRef{c.user.view(), rooms::kDetachedName} : protocol::UserRef{}};
}

struct RoomOwners::JoinedPage {
  Offset up_to = 0;
  bool recovered = false;
  bool more = false;
  WallTime time{}; // of the message at up_to; zero: not known
  protocol::MessageList messages = {};
  std::optional<Offset> change = {}; // where the client has the feature
  std::string changes = {};
};

// What of an answer is left for its messages.
[[nodiscard]] inline std::size_t bytes_for_messages(const protocol::ClientTerms& terms, std::size_t beside = 0) {
  return terms.answer_bytes() - protocol::kEnvelopeBytes - beside;
}

// Members, within a quarter of an answer.
[[nodiscard]] inline std::vector<protocol::UserRef> shown(
    const std::vector<rooms::Member>& members, const protocol::ClientTerms& terms) {
  std::vector<protocol::UserRef> refs;
  refs.reserve(members.size());
  for (const auto& m : members) refs.push_back({m.id.view(), m.name});
  refs.resize(protocol::fit_members(refs, terms.answer_bytes() / 4).size());
  return refs;
}

struct RoomOwners::Room final : io::Timer {
  Room(RoomOwners& o, RoomName n)
      : owners(o),
        name(std::move(n)),
        stream(o.policy_.following),
        presence(o.policy_.presence_grace) {}
  void on_timer() override { owners.on_timer(*this); }
  [[nodiscard]] const Epoch& epoch() const { return stream.epoch(); }
  [[nodiscard]] Offset offset() const { return stream.delivered(); } // of the last message published

  RoomOwners& owners;
  RoomName name;
  admission::Permit place;        // in the share of the user who brought it into memory
  std::vector<Operation> waiting; // for the store to confirm where the room stands
  std::uint32_t in_store = 0;     // questions that the store has not answered yet
  rooms::RoomKind kind{};
  rooms::StreamFollower stream;                       // what was published, and what is missing before the next
  WallTime time{};                                    // of the message at offset(); zero: not known
  std::optional<Offset> doubted;                      // engine::RoomLog::doubt
  bool confirming = false;                            // the writer has been asked where the room stands; commands wait
  bool unconfirmed = false;                           // it has to be, before anything else is done with the room
  std::optional<MonoTime> confirm_at;                 // a try that failed is repeated then
  std::unordered_set<UserId> members;                 // private and direct
  UserId creator;                                     // private
  std::unique_ptr<rooms::EphemeralHistory> ephemeral; // null: durable
  rooms::Presence presence;
  rooms::Audience audience;
  rooms::Typing typing;
  Offset change = 0;                                 // of the last change that was published
  std::vector<rooms::Change> fresh_changes;          // while the store is being read, which may not show them yet
  protocol::Meter heard;                             // of allowed_messages_
  std::unordered_map<UserId, protocol::Meter> quiet; // who is still heard while that is used up; see crowded()
  bool changed = false;                              // members_changed is due
  MonoTime changed_sent{};
  MonoTime idle_since{};
};

// A room that is not in memory yet, and the commands that wait for it; or one that is about to leave the store.
struct RoomOwners::Loading {
  struct Waiting {
    Speaker speaker;
    bool make = false;
    Operation operation;
  };
  std::vector<Waiting> waiting; // in the order in which they came
  struct Asked {
    std::shared_ptr<UserUse> use;
    admission::Permit place;     // for the room
    std::uint64_t opened_in = 0; // RoomOwners::openings_ at that time
    bool make = false; // it was asked to make the room, which counts as a new one unless somebody else was faster
  };
  std::unordered_map<UserId, Asked> asked; // the store was asked in the name of these
  std::vector<UserId> added;               // members since then: the row that is on its way may be older
  bool leaving = false;                    // it is asked once the store has forgotten the room
};

// The store may answer after this is gone, as long as the loop is there.
template <class T, class Function>
Completion<T> RoomOwners::on_loop(Room& room, Function function) {
  ++room.in_store;
  return [this, &loop = loop_, alive = alive_, name = room.name, function = std::move(function)](
             Result<T> result) mutable {
    loop.post([this, alive = std::move(alive), name = std::move(name), function = std::move(function),
                  result = std::move(result)]() mutable {
      if (!*alive) return;
      Room* r = find(name);
      if (r == nullptr) return;
      --r->in_store;
      function(*r, std::move(result));
      schedule(*r);
    });
  };
}

} // namespace foyer::gateway

// Rooms, who belongs to them, and people.
#include <memory>
#include <utility>

#include "api/handlers.h"
#include "api/limits.h"
#include "api/write.h"
#include "rooms/model/room_rules.h"

namespace foyer::api {
namespace {

constexpr std::uint32_t kDefaultRooms = 100;
constexpr std::uint32_t kRoomsAtOnce = 1'000; // read from the directory

// What answers nothing but that it is done.
template <class T>
Completion<T> done_by(Call call) {
  return [call = std::move(call)](Result<T> result) mutable {
    if (!result) return call.refuse(std::move(result).error());
    call.answer("{}");
  };
}

UserId user_of(const Call& call) { return UserId{call.arguments.text("user")}; }

// A page of rooms, until it is full or enough rooms were looked at.
struct Listing {
  explicit Listing(Call c) : call(std::move(c)) {}
  Call call;
  std::string pattern = {};
  RoomName after = {};
  std::size_t limit = 0;
  std::size_t found = 0;
  std::size_t looked_at = 0;
  std::string rooms = {};
};

void append_room(std::string& out, const rooms::RoomRow& row) {
  if (!out.empty()) out += ',';
  out += R"({"channel":)";
  json::append_string(out, row.room.view());
  out.append(R"(,"kind":")").append(to_string(row.kind)).append(R"(","offset":)").append(std::to_string(row.offset));
  out += R"(,"epoch":)";
  json::append_string(out, row.epoch.view());
  out += '}';
}

void list_on(const Context& context, const std::shared_ptr<Listing>& listing) {
  context.directory.all_rooms(listing->after, kRoomsAtOnce, [&context, listing](Result<rooms::RoomsPage> page) {
    if (!page) return listing->call.refuse(std::move(page).error());
    bool more = page->more;
    for (std::size_t i = 0; i < page->rooms.size() && listing->found < listing->limit; ++i) {
      const rooms::RoomRow& row = page->rooms[i];
      listing->after = row.room;
      ++listing->looked_at;
      if (rooms::matches(listing->pattern, row.room.view()) &&
          listing->call.caller().rights.may(rooms::RoomRight::rooms, row.room)) {
        append_room(listing->rooms, row);
        ++listing->found;
      }
      if (listing->found == listing->limit) more = more || i + 1 < page->rooms.size();
    }
    if (more && listing->found < listing->limit && listing->looked_at < kMostLookedAt) return list_on(context, listing);
    std::string out = R"({"rooms":[)" + listing->rooms + "]";
    if (more) {
      out += R"(,"next":)";
      json::append_string(out, listing->after.view());
    }
    listing->call.answer(out + "}");
  });
}

} // namespace

void history_remove(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::moderate); !may) return call.refuse(std::move(may).error());
  rooms::Actor actor = call.actor(context);
  RoomName room = call.room();
  context.rooms.clear(std::move(actor), std::move(room), done_by<rooms::HistoryRemoved>(std::move(call)));
}

void message_delete(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::moderate); !may) return call.refuse(std::move(may).error());
  rooms::Actor actor = call.actor(context);
  RoomName room = call.room();
  const auto offset = static_cast<Offset>(*call.arguments.number("offset"));
  context.rooms.erase(
      std::move(actor), std::move(room), offset, [call = std::move(call)](Result<rooms::MessageErased> erased) mutable {
    if (!erased) return call.refuse(std::move(erased).error());
    call.answer(R"({"offset":)" + std::to_string(erased->offset) + "}");
  });
}

void rooms_of_server(const Context& context, Call call) {
  if (!call.caller().rights.may_somewhere(rooms::RoomRight::rooms))
    return call.refuse({.cause = Cause::PERMISSION_DENIED, .evidence = "rooms:*", .field = "needs"});
  const auto listing = std::make_shared<Listing>(std::move(call));
  const Arguments& asked = listing->call.arguments;
  listing->pattern = asked.text("pattern").empty() ? "*" : asked.text("pattern");
  listing->after = RoomName{asked.text("after")};
  listing->limit = static_cast<std::size_t>(asked.number("limit").value_or(kDefaultRooms));
  list_on(context, listing);
}

void room_create(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::rooms); !may) return call.refuse(std::move(may).error());
  RoomName room = call.room();
  std::vector<UserId> members;
  for (std::string& member : call.arguments.texts("members")) members.emplace_back(std::move(member));
  context.rooms.create_for(std::move(room), std::move(members), done_by<rooms::RoomCreated>(std::move(call)));
}

void room_delete(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::rooms); !may) return call.refuse(std::move(may).error());
  RoomName room = call.room();
  context.rooms.destroy(std::move(room), done_by<rooms::RoomDestroyed>(std::move(call)));
}

void room_members(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::members); !may) return call.refuse(std::move(may).error());
  RoomName room = call.room();
  context.directory.open({.room = std::move(room)}, [call = std::move(call)](Result<rooms::RoomRow> row) mutable {
    if (!row) return call.refuse(std::move(row).error());
    std::string out = R"({"kind":")" + std::string(to_string(row->kind)) + R"(","members":[)";
    for (const UserId& member : row->members) {
      if (!out.ends_with('[')) out += ',';
      json::append_string(out, member.view());
    }
    call.answer(out + "]}");
  });
}

void member_add(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::members); !may) return call.refuse(std::move(may).error());
  rooms::Actor actor = call.actor(context);
  RoomName room = call.room();
  UserId user = user_of(call);
  context.rooms.add_member(std::move(actor), std::move(room), std::move(user),
      [call = std::move(call)](Result<rooms::UserAdded> added) mutable {
    if (!added) return call.refuse(std::move(added).error());
    call.answer(added->added ? R"({"added":true})" : R"({"added":false})");
  });
}

void member_remove(const Context& context, Call call) {
  if (auto may = call.may(rooms::RoomRight::members); !may) return call.refuse(std::move(may).error());
  rooms::Actor actor = call.actor(context);
  RoomName room = call.room();
  UserId user = user_of(call);
  context.rooms.remove(
      std::move(actor), std::move(room), std::move(user), done_by<rooms::UserRemoved>(std::move(call)));
}

void user_upsert(const Context& context, Call call) {
  if (auto may = call.caller().rights.check(rooms::ApiRight::users_write); !may)
    return call.refuse(std::move(may).error());
  rooms::Author person{user_of(call), std::string(call.arguments.text("name"))};
  context.directory.remember_person(std::move(person), done_by<bool>(std::move(call)));
}

void user_forget(const Context& context, Call call) {
  if (auto may = call.caller().rights.check(rooms::ApiRight::users_write); !may)
    return call.refuse(std::move(may).error());
  UserId user = user_of(call);
  context.rooms.forget_author(
      std::move(user), rooms::Forget::name_and_texts, [call = std::move(call)](Result<bool> found) mutable {
    if (!found) return call.refuse(std::move(found).error());
    call.answer(*found ? R"({"found":true})" : R"({"found":false})");
  });
}

} // namespace foyer::api

// publish and broadcast.
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "api/handlers.h"
#include "api/write.h"

namespace foyer::api {
namespace {

struct Body {
  rooms::BodyType type = rooms::BodyType::text;
  std::string text;
};

Result<Body> body_of(const Context& context, const Arguments& arguments) {
  Body body;
  std::string_view field = "message";
  if (arguments.has("data")) {
    field = "data";
    body = {.type = rooms::BodyType::data, .text = json::compact(arguments.json_text("data"))};
  } else {
    body.text = arguments.text("message");
  }
  if (body.text.size() > context.text_bytes) return refuse_field(Cause::MESSAGE_TOO_LARGE, std::string(field));
  return body;
}

// As whom a call publishes: the application, or a person whom it names.
Result<rooms::Actor> publisher(const Context& context, const Call& call) {
  rooms::Actor actor = call.actor(context);
  const Arguments* from = call.arguments.object("from");
  if (from == nullptr) return actor;
  TRY_VOID(call.caller().rights.check(rooms::ApiRight::as_user));
  actor.user = UserId{from->text("id")};
  actor.name = from->has("name") ? from->text("name") : from->text("id");
  return actor;
}

void publish_in(const Context& context, const Call& call, const RoomName& room, Completion<Answer> done) {
  auto may = call.caller().rights.check(rooms::RoomRight::publish, room);
  if (!may) return done(std::unexpected(std::move(may).error()));
  auto actor = publisher(context, call);
  if (!actor) return done(std::unexpected(std::move(actor).error()));
  auto body = body_of(context, call.arguments);
  if (!body) return done(std::unexpected(std::move(body).error()));
  // With the record of the call, the message needs no key. Neither does one in a room in memory, which remembers few
  // keys: the call itself is remembered beside it. Parts of a broadcast that ran before need theirs.
  std::string key{call.arguments.text("idempotency_key")};
  if (!key.empty() && (call.record || !context.rooms.durable(room))) key.clear();
  context.rooms.publish(std::move(*actor),
      {.room = room, .text = std::move(body->text), .key = std::move(key), .type = body->type, .record = call.record},
      [done = std::move(done)](Result<rooms::Published> published) mutable {
    if (!published) return done(std::unexpected(std::move(published).error()));
    done(position(published->offset, published->epoch));
  });
}

struct Broadcast {
  Broadcast(Call c, std::vector<std::string> r)
      : call(std::move(c)),
        rooms(std::move(r)),
        answers(rooms.size(), Answer{}),
        missing(rooms.size()) {}
  Call call;
  std::vector<std::string> rooms;
  std::vector<Result<Answer>> answers;
  std::atomic<std::size_t> missing;
};

} // namespace

void publish(const Context& context, Call call) {
  auto shared = std::make_shared<Call>(std::move(call));
  publish_in(context, *shared, shared->room(), [shared](Result<Answer> answer) {
    if (answer)
      shared->answer(std::move(*answer));
    else
      shared->refuse(std::move(answer).error());
  });
}

void broadcast(const Context& context, Call call) {
  auto rooms = call.arguments.texts("channels");
  const auto all = std::make_shared<Broadcast>(std::move(call), std::move(rooms));
  for (std::size_t i = 0; i < all->rooms.size(); ++i)
    publish_in(context, all->call, RoomName{all->rooms[i]}, [all, i](Result<Answer> answer) {
      all->answers[i] = std::move(answer);
      if (all->missing.fetch_sub(1) > 1) return;
      std::string out = R"({"responses":[)";
      for (const auto& each : all->answers) {
        if (!out.ends_with('[')) out += ',';
        if (!each) all->call.origin().report_part(each.error());
        append_reply(out, each, all->call.origin().ref());
      }
      all->call.answer(out + "]}");
    });
}

} // namespace foyer::api

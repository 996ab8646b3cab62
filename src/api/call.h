// One call of a method: who calls, with what, and where the answer goes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "access/endings.h"
#include "access/idempotent_calls.h"
#include "api/arguments.h"
#include "api/caller.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/ids.h"
#include "engine/room_directory.h"
#include "rooms/actor.h"
#include "rooms/room_service.h"

namespace foyer::gateway {
class AllClients;
}

namespace foyer::api {

// What methods work on. Immutable or thread safe, and outliving every call.
struct Context {
  rooms::RoomService& rooms;
  gateway::AllClients& clients;
  engine::RoomDirectory& directory;
  const Clock& clock;
  std::string node; // the id of this run of the server, if there is one
  std::size_t text_bytes;
  UserIds users; // how the users of issuers are named
  access::IdempotentCalls& calls;
  access::Endings& endings;
  // What the accounts of this server have of a user, as lines of JSON. Empty: there are none here.
  std::function<void(UserId, Completion<std::string>)> account_lines = {};
  rooms::UserUsePtr use = {}; // of applications: without limits
};

// The JSON text of `result`.
using Answer = std::string;

// The application itself, as rooms see it.
[[nodiscard]] rooms::Actor actor_of(const Context& context, const Caller& caller);

// The request that a call belongs to. Thread safe.
class Origin {
 public:
  virtual ~Origin() = default;
  [[nodiscard]] virtual const Ref& ref() const = 0;
  // Logs a refusal that is a part of an answer, while the call as a whole is not refused.
  virtual void report_part(const Refusal& refusal) const = 0;
};
using OriginPtr = std::shared_ptr<const Origin>;

class Call {
 public:
  Call(CallerPtr caller, OriginPtr origin, Arguments fields, Completion<Answer> done)
      : arguments(std::move(fields)),
        caller_(std::move(caller)),
        origin_(std::move(origin)),
        done_(std::move(done)) {}

  Arguments arguments;
  rooms::CallRecordPtr record = {}; // of a call with an idempotency key, for the message that it stores

  [[nodiscard]] const Caller& caller() const { return *caller_; }
  [[nodiscard]] RoomName room() const { return RoomName{arguments.text("channel")}; }
  [[nodiscard]] Result<void> may(rooms::RoomRight right) const { return caller_->rights.check(right, room()); }
  // Acts as the application itself.
  [[nodiscard]] rooms::Actor actor(const Context& context) const { return actor_of(context, *caller_); }

  [[nodiscard]] const Origin& origin() const { return *origin_; }

  // The same call, whose answer goes elsewhere.
  [[nodiscard]] Call answered_to(Completion<Answer> done) && {
    return Call(std::move(caller_), std::move(origin_), std::move(arguments), std::move(done));
  }
  void answer(Answer result) { done_(std::move(result)); }
  void refuse(Refusal refusal) { done_(std::unexpected(std::move(refusal))); }

 private:
  CallerPtr caller_;
  OriginPtr origin_;
  Completion<Answer> done_;
};

} // namespace foyer::api

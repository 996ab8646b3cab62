#include "protocol/foyer_v1/command_decoder.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "protocol/foyer_v1/command_members.h"

namespace foyer::protocol {
namespace {

struct TypeRow {
  std::string_view name;
  CommandType type;
};
constexpr std::size_t kLongestType = 32; // of an unknown type shown in an error
constexpr std::array<TypeRow, 21> kTypes{{
    {"ping", CommandType::ping},
    {"chat", CommandType::chat},
    {"join", CommandType::join},
    {"publish", CommandType::publish},
    {"typing", CommandType::typing},
    {"leave", CommandType::leave},
    {"history", CommandType::history},
    {"presence", CommandType::presence},
    {"refresh", CommandType::refresh},
    {"authenticate", CommandType::authenticate},
    {"rooms", CommandType::rooms},
    {"create", CommandType::create},
    {"direct", CommandType::direct},
    {"invite", CommandType::invite},
    {"remove", CommandType::remove},
    {"delete", CommandType::delete_},
    {"accept", CommandType::accept},
    {"decline", CommandType::decline},
    {"invitations", CommandType::invitations},
    {"agent_request", CommandType::agent_request},
    {"agent_cancel", CommandType::agent_cancel},
}};

// The error for an unknown type, with the type that was probably meant.
std::string unknown_type(std::string_view type) {
  const std::string_view tried = type.substr(0, kLongestType);
  const auto nearest = std::min_element(kTypes.begin(), kTypes.end(), [tried](const TypeRow& a, const TypeRow& b) {
    return edit_distance(tried, a.name) < edit_distance(tried, b.name);
  });
  std::string out = "\"" + printable(type, kLongestType) + "\" is unknown to this server";
  if (edit_distance(tried, nearest->name) <= std::max<std::size_t>(2, nearest->name.size() / 3))
    out += "; the nearest is \"" + std::string(nearest->name) + "\"";
  return out;
}

// Moves members into the command and records the first one that is missing or wrong.
class Taker {
 public:
  template <class T, class Into>
  Taker& required(std::string_view name, const Member<T>& member, Into& into) {
    if (member.state == Member<T>::State::absent) fail(name, "is missing");
    return optional(name, member, into);
  }
  template <class T, class Into>
  Taker& optional(std::string_view name, const Member<T>& member, Into& into) {
    if (member.state == Member<T>::State::wrong) fail(name, expected<T>());
    if (member.state == Member<T>::State::good) into = static_cast<Assigned<T, Into>>(member.value);
    return *this;
  }
  void fail(std::string_view name, std::string_view what) {
    if (field_.empty()) field_ = name, what_ = what;
  }
  [[nodiscard]] bool failed() const { return !field_.empty(); }
  [[nodiscard]] const std::string& field() const { return field_; }
  [[nodiscard]] std::string sentence() const { return field_ + " " + what_; }

 private:
  template <class T, class Into>
  using Assigned = std::conditional_t<std::is_same_v<Into, std::optional<std::uint32_t>>, std::uint32_t, T>;
  template <class T>
  static std::string_view expected() {
    if constexpr (std::is_same_v<T, std::string_view>)
      return "must be a string";
    else if constexpr (std::is_same_v<T, bool>)
      return "must be true or false";
    else if constexpr (std::is_same_v<T, Since>)
      return "must be {epoch: string, offset: integer}, with time as the server sent it";
    else if constexpr (std::is_same_v<T, Features>)
      return "must be an array of strings";
    else
      return "must be an integer from 0 to 2^53-1";
  }
  std::string field_, what_;
};

// A person is given by `user`, the id, or by `name`.
void take_person(Taker& take, const Members& members, Command& command) {
  take.optional("user", members.user, command.user).optional("name", members.name, command.name);
  if (take.failed()) return;
  if (members.user.is_good() && members.name.is_good())
    take.fail("name", "and user cannot be combined");
  else if (command.user.empty() && command.name.empty())
    take.fail(members.name.is_good() ? "name" : "user",
        members.name.is_good() || members.user.is_good() ? "is empty" : "or name is missing");
  else if (command.name.size() > kMaxPersonName)
    take.fail("name", "is longer than 256 bytes");
}

void take_credential(Taker& take, const Members& members, Command& command) {
  take.optional("token", members.token, command.token).optional("ticket", members.ticket, command.ticket);
  take.optional("features", members.features, command.features)
      .optional("max_message", members.max_message, command.max_message);
  if (command.token.empty() && command.ticket.empty())
    take.fail("token", "and ticket are both missing; one of them is required");
}

void take_key(Taker& take, const Members& members, Command& command) {
  take.optional("key", members.key, command.key);
  if (command.key.size() > kMaxKeyBytes) take.fail("key", "is longer than 128 bytes");
  if (members.key.is_good() && command.key.empty()) take.fail("key", "is empty");
}

void take_chat(Taker& take, const Members& members, Command& command) {
  take.optional("room", members.room, command.room).required("message", members.message, command.message);
  if (members.room.is_good() && command.room.empty()) take.fail("room", "is empty");
  if (!take.failed() && command.message.empty()) take.fail("message", "is empty");
  take_key(take, members, command);
}

// The members that each command needs.
void take_members(Taker& take, const Members& members, Command& command) {
  switch (command.type) {
    case CommandType::authenticate: take_credential(take, members, command); break;
    case CommandType::refresh: take.required("token", members.token, command.token); break;
    case CommandType::create:
    case CommandType::accept:
    case CommandType::decline:
    case CommandType::leave:
    case CommandType::presence: take.required("room", members.room, command.room); break;
    case CommandType::direct: take_person(take, members, command); break;
    case CommandType::invite:
      take.required("room", members.room, command.room);
      take_person(take, members, command);
      break;
    case CommandType::remove:
      take.required("room", members.room, command.room).required("user", members.user, command.user);
      break;
    case CommandType::join:
      take.required("room", members.room, command.room)
          .optional("since", members.since, command.since)
          .optional("limit", members.limit, command.limit)
          .optional("token", members.token, command.token);
      if (members.token.is_good() && command.token.empty()) take.fail("token", "is empty");
      break;
    case CommandType::chat: take_chat(take, members, command); break;
    case CommandType::publish:
      take.required("room", members.room, command.room).required("data", members.data, command.data);
      take_key(take, members, command);
      break;
    case CommandType::delete_:
      take.required("room", members.room, command.room).required("offset", members.offset, command.offset);
      break;
    case CommandType::typing:
      take.required("room", members.room, command.room).required("on", members.on, command.on);
      break;
    case CommandType::history:
      take.required("room", members.room, command.room)
          .optional("before", members.before, command.before)
          .optional("after", members.after, command.after)
          .optional("limit", members.limit, command.limit);
      if (command.before && command.after) take.fail("after", "and before cannot be combined");
      break;
    case CommandType::rooms:
      take.optional("after", members.after_room, command.after_room).optional("limit", members.limit, command.limit);
      break;
    case CommandType::invitations:
    case CommandType::ping:
    case CommandType::agent_request:
    case CommandType::agent_cancel: break;
  }
}

} // namespace

struct CommandDecoder::Impl {
  simdjson::ondemand::parser parser;
};

CommandDecoder::CommandDecoder() : impl_(std::make_unique<Impl>()) {}
CommandDecoder::~CommandDecoder() = default;
CommandDecoder::CommandDecoder(CommandDecoder&&) noexcept = default;
CommandDecoder& CommandDecoder::operator=(CommandDecoder&&) noexcept = default;

std::variant<Command, BadCommand> CommandDecoder::read(std::string_view text) {
  Members members;
  if (auto broken = read_members(impl_->parser, text, members))
    return BadCommand{.id = std::nullopt, .field = std::move(broken->field), .what = std::move(broken->what)};

  Command command;
  Taker take;
  take.optional("id", members.id, command.id);
  std::string_view type;
  take.required("type", members.type, type);
  if (!take.failed()) {
    const auto* row = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeRow& r) { return r.name == type; });
    if (row == kTypes.end())
      take.fail("type", unknown_type(type));
    else
      command.type = row->type;
  }
  if (!take.failed()) take_members(take, members, command);
  if (take.failed()) return BadCommand{.id = command.id, .field = take.field(), .what = take.sentence()};
  return command;
}

} // namespace foyer::protocol

// Client commands: whatever arrives is read to its end or named as bad, and what
// is accepted keeps the promises that the session relies on.
#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "fuzz.h"
#include "protocol/foyer_v1/command_decoder.h"

using namespace foyer;
using namespace foyer::protocol;

namespace {

void check(const Command& command, std::string_view input) {
  invariant(!command.id || *command.id <= kMaxInteger, "an id is an integer that every client can hold");
  invariant(!command.before || *command.before <= kMaxInteger, "so is an offset");
  invariant(command.key.size() <= kMaxKeyBytes, "a key is short");
  invariant(command.type != CommandType::chat || !command.message.empty(), "chat says something");
  invariant(command.type != CommandType::authenticate || !command.token.empty() || !command.ticket.empty(),
      "authenticate has a credential");
  for (const std::string_view text :
      {command.token, command.ticket, command.room, command.user, command.message, command.key})
    invariant(is_utf8(text), "text is UTF-8");

  // The other reader of JSON agrees.
  const auto value = json::parse(input, {.bytes = input.size(), .depth = kMaxDepth});
  // A number that nobody asked for may be larger than a double.
  if (!value &&
      (value.error().find("out of range") != std::string::npos ||
          value.error().find("exponent overflow") != std::string::npos))
    return;
  invariant(value.has_value() && value->is_object(), "a command is a JSON object everywhere");
  const auto& object = value->get_object();
  invariant(object.size() <= kMaxMembers, "a command has few members");
  invariant(!command.id || json::get_int(object, "id") == static_cast<std::int64_t>(*command.id),
      "its id is that of the object");
  if (command.type == CommandType::chat)
    invariant(json::get_string(object, "message") == command.message, "its text is that of the object");
}

} // namespace

FUZZER(command) {
  static CommandDecoder decoder;
  std::string bytes(input);
  bytes.append(64, '"'); // what lies behind a message must not matter
  const auto read = decoder.read(std::string_view(bytes).substr(0, input.size()));
  if (const auto* command = std::get_if<Command>(&read)) return check(*command, input);
  const auto& bad = std::get<BadCommand>(read);
  invariant(!bad.what.empty() && is_utf8(bad.what), "a refusal says why");
  invariant(is_utf8(bad.field), "and where");
}

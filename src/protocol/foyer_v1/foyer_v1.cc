#include "protocol/foyer_v1/foyer_v1.h"

#include "protocol/foyer_v1/json_parts.h"

namespace foyer::protocol {

using namespace parts;

namespace {

std::string tail_of(const WelcomeConstants& c) {
  std::string out = fmt::format(
      R"(,"heartbeat_ms":{},"limits":{{"message_bytes":{},"text_bytes":{},"rooms":{},"messages_per_s":{},"name_bytes":{}}},"server":{{"version":)",
      c.heartbeat.count(), c.message_bytes, c.text_bytes, c.rooms, c.messages_per_s, c.name_bytes);
  json::append_string(out, c.version);
  string_member(out, "build", c.build);
  string_member(out, "environment", c.environment);
  string_member(out, "config", c.config);
  append(out, "}}");
  return out;
}

} // namespace

FoyerV1::FoyerV1(const WelcomeConstants& constants) : welcome_tail_(tail_of(constants)) {}

void FoyerV1::read(std::string_view message, CommandSink& sink) {
  auto read = decoder_.read(message);
  if (const auto* command = std::get_if<Command>(&read))
    sink.on_command(*command, message);
  else
    sink.on_bad_command(std::get<BadCommand>(read), message);
}

} // namespace foyer::protocol

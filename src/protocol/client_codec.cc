#include "protocol/client_codec.h"

#include <optional>

namespace foyer::protocol {

std::variant<Command, BadCommand> ClientCodec::read_first(std::string_view message) {
  struct First final : CommandSink {
    std::optional<std::variant<Command, BadCommand>> result;
    void on_command(const Command& command, std::string_view) override {
      if (!result) result = command;
    }
    void on_bad_command(const BadCommand& bad, std::string_view) override {
      if (!result) result = bad;
    }
  } first;
  read(message, first);
  if (!first.result) return BadCommand{.id = std::nullopt, .field = "", .what = "the message contains no command"};
  return std::move(*first.result);
}

} // namespace foyer::protocol

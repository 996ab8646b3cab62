// Client commands: whatever arrives is read to its end or named as bad, and what
// is accepted keeps the promises that the session relies on.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "protocol/command.h"

using namespace foyer::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static CommandDecoder decoder;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  bytes.append(64, '"'); // what lies behind a message must not matter
  const auto read = decoder.read(std::string_view(bytes).substr(0, size));
  if (const auto* command = std::get_if<Command>(&read)) {
    if (command->id && *command->id > kMaxInteger) std::abort();
    if (command->key.size() > kMaxKeyBytes) std::abort();
    if (command->type == CommandType::chat && command->message.empty()) std::abort();
    if (command->type == CommandType::authenticate && command->token.empty() && command->ticket.empty()) std::abort();
  } else if (std::get<BadCommand>(read).what.empty()) {
    std::abort();
  }
  return 0;
}

// Client messages of foyer.v1: one JSON object per text message, read strictly (docs/protocol.md).
#pragma once

#include <memory>
#include <string_view>
#include <variant>

#include "protocol/command.h"

namespace foyer::protocol {

class CommandDecoder {
 public:
  CommandDecoder();
  ~CommandDecoder();
  CommandDecoder(CommandDecoder&&) noexcept;
  CommandDecoder& operator=(CommandDecoder&&) noexcept;

  // REQUIRES: 64 readable bytes after `text` (simdjson's padding). Strings of the command are valid until the next
  // call.
  [[nodiscard]] std::variant<Command, BadCommand> read(std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr int kMaxDepth = 8;
inline constexpr std::size_t kMaxMembers = 64; // of one object

} // namespace foyer::protocol

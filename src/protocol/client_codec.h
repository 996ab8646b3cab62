// One dialect that clients speak: reads commands, writes events and session messages. foyer_v1 is the native one.
//
// A codec belongs to one loop, and only that loop calls read(). The const functions use no mutable state and may be
// called on any thread: events are encoded once and shared between loops, and homes measure answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/command.h"
#include "protocol/session_message.h"
#include "protocol/terms.h"
#include "rooms/requests.h"

namespace foyer::protocol {

// Receives the commands of one message, in order.
class CommandSink {
 public:
  virtual ~CommandSink() = default;
  // `text`: this command alone, in a form that read() understands.
  virtual void on_command(const Command& command, std::string_view text) = 0;
  virtual void on_bad_command(const BadCommand& bad, std::string_view text) = 0;
};

// The forms in which one event is written for different clients.
enum class Form : std::uint8_t {
  none,  // the client does not get the event
  whole, // unchanged
  other, // with what a feature of the client adds: the numbers of changes, `data` of messages
  brief, // a message without its text, for clients whose max_message it exceeds
};
inline constexpr std::size_t kForms = 3; // number of written forms

class ClientCodec : public rooms::AnswerMeasure {
 public:
  static constexpr std::size_t kMost = 2; // codecs in one process

  // Its index among the codecs of the process, below kMost.
  [[nodiscard]] virtual std::size_t index() const = 0;

  // Passes the commands in `message` to the sink. REQUIRES: wire::kPadding readable bytes after `message`.
  virtual void read(std::string_view message, CommandSink& sink) = 0;
  // Reads the first command of a message. REQUIRES: as read().
  [[nodiscard]] std::variant<Command, BadCommand> read_first(std::string_view message);

  // Append one message of the dialect to `out`.
  virtual void write(std::string& out, MessageId id, const SessionMessage& message, const ClientTerms& terms) const = 0;
  virtual void write(std::string& out, const rooms::Event& event, Form form) const = 0;
  // How an event is written for a client; never brief.
  [[nodiscard]] virtual Form form_for(const rooms::Event& event, const ClientTerms& terms) const = 0;
};

} // namespace foyer::protocol

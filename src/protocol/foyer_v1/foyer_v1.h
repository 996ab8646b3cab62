// The native dialect, foyer.v1 (docs/protocol.md): one JSON object per text message.
#pragma once

#include <string>

#include "protocol/client_codec.h"
#include "protocol/foyer_v1/command_decoder.h"

namespace foyer::protocol {

// The part of `authentication_success` that is the same for every client.
struct WelcomeConstants {
  Millis heartbeat{};
  std::size_t message_bytes = 0, text_bytes = 0, rooms = 0, messages_per_s = 0, name_bytes = 0;
  std::string version, build, environment, config;
};

class FoyerV1 final : public ClientCodec {
 public:
  explicit FoyerV1(const WelcomeConstants& constants);

  [[nodiscard]] std::size_t index() const override { return 0; }
  void read(std::string_view message, CommandSink& sink) override;
  void write(std::string& out, MessageId id, const SessionMessage& message, const ClientTerms& terms) const override;
  void write(std::string& out, const rooms::Event& event, Form form) const override;
  [[nodiscard]] Form form_for(const rooms::Event& event, const ClientTerms& terms) const override;

  [[nodiscard]] std::size_t messages_that_fit(const RoomName& room, const Epoch& epoch,
      std::span<const rooms::Message> messages, rooms::Keep keep, std::size_t bytes) const override;
  [[nodiscard]] std::size_t members_that_fit(std::span<const rooms::Member> members, std::size_t bytes) const override;
  [[nodiscard]] std::size_t bytes_of(std::span<const rooms::Member> members) const override;
  [[nodiscard]] std::size_t bytes_of(std::span<const rooms::Change> changes) const override;

 private:
  CommandDecoder decoder_;
  std::string welcome_tail_; // `,"heartbeat_ms":…,"server":{…}}`
};

} // namespace foyer::protocol

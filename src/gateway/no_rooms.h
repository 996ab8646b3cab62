// Answers WebSocket handshakes in a process that has only the auth role and serves no rooms. Browsers hide the HTTP
// answer to a handshake from the page, so they get the upgrade, `authentication_error` and a Close; other clients get
// the HTTP answer.
#pragma once

#include <memory>

#include "http/deps.h"
#include "http/upgrade.h"
#include "io/slot_table.h"
#include "io/transport.h"
#include "protocol/client_codec.h"

namespace foyer::gateway {

class NoRooms final : public http::UpgradeHandler {
 public:
  // The door of `deps.router` has no socket paths. The refusal is written by `codec`.
  NoRooms(
      io::Loop& loop, const http::Policy& policy, const http::Deps& deps, std::unique_ptr<protocol::ClientCodec> codec);
  ~NoRooms() override;

  void take(io::Transport& transport, http::Upgrade upgrade) override;

 private:
  class ClosingSocket;
  [[nodiscard]] Refusal refusal_of(const http::Upgrade& upgrade) const;

  io::Loop& loop_;
  const http::Deps deps_;
  const std::unique_ptr<protocol::ClientCodec> codec_;
  bool reveal_;
  Millis close_linger_;
  io::SlotTable<ClosingSocket> closing_;
};

} // namespace foyer::gateway

// Receives events of the fan-out and the control bus for a shard, and passes them to the shard's loop.
#pragma once

#include <memory>

#include "rooms/listeners.h"

namespace foyer::gateway {

class Shard;

class ShardListener final : public rooms::Listener {
 public:
  explicit ShardListener(Shard& shard) : shard_(shard) {}

  [[nodiscard]] rooms::PublicationPtr publication(rooms::EventPtr event) override;
  void post(rooms::PublicationPtr publication) override;
  void arrived(rooms::Publication& publication) override;
  void post(std::shared_ptr<const engine::ControlMessage> message) override;
  void received(const engine::ControlMessage& message) override;

 private:
  Shard& shard_;
};

} // namespace foyer::gateway

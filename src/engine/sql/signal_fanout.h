// Fan-out between nodes with PostgreSQL alone. Listeners of this process get every publication at once, as the same
// object. To other nodes only ephemeral events travel (signals.h): what has an offset or a number is in the record,
// where each node finds it (changed_rooms.h).
#pragma once

#include <functional>
#include <memory>

#include "engine/fanout.h"
#include "engine/local/fanout.h"
#include "engine/sql/signals.h"

namespace foyer::engine {

class SignalFanout final : public Fanout {
 public:
  // `lost`: events of others may be missing; on the thread that reads.
  explicit SignalFanout(std::shared_ptr<Signals> signals, std::function<void()> lost = {});
  ~SignalFanout() override;

  void publish(rooms::PublicationPtr publication, const FanoutListener* here = nullptr) override;
  // Answers before it returns.
  void subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) override;
  void unsubscribe(const RoomName& room, const FanoutListener& listener) override;
  [[nodiscard]] bool may_lose() const override { return true; }
  [[nodiscard]] Fanout& here() { return local_; } // to listeners of this process alone

 private:
  void arrived(std::string_view bytes);

  const std::shared_ptr<Signals> signals_;
  LocalFanout local_;
};

} // namespace foyer::engine

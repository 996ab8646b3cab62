// Shared state on the bus: each call is one script, and time is the server's, so nodes need not agree on theirs. Counts
// are exact over all nodes.
//
// A server that loses its memory forgets all of this: a nonce can be used again, and the term of a lease begins at 1.
// So it is for what may be forgotten, like rates; what must not be is in a database.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/redis/names.h"
#include "engine/shared_state.h"
#include "redis/commands.h"

namespace foyer::engine {

// A lease that nobody asks for has a term for that long.
inline constexpr Millis kLeaseTermLife{std::chrono::hours{7 * 24}};

class RedisSharedState final : public SharedState {
 public:
  RedisSharedState(BusNames names, redis::Commands& commands); // `commands` outlives this
  ~RedisSharedState() override;

  // Any thread. Answers come on the connection's thread.
  void take_once(TakeRequest question, Completion<Taken> done) override;
  void put_until(PutRequest question, Completion<bool> done) override;
  void find(SharedKey key, Completion<std::optional<Kept>> done) override;
  void count_in_window(CountRequest question, Completion<Counted> done) override;
  void lease(LeaseRequest question, Completion<Lease> done) override;
  void end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) override;

  // As of the last answer that this node got.
  [[nodiscard]] std::size_t remembered(std::string_view kind) const override;

 private:
  class Gauges;

  const BusNames names_;
  redis::Commands& commands_;
  const std::shared_ptr<Gauges> gauges_; // shared with commands that are on their way
};

} // namespace foyer::engine

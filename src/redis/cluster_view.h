// What the nodes of a cluster say, put together (cluster.h). Pure: no clock, no I/O. Not thread-safe.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "redis/redirect.h"
#include "redis/slot_map.h"

namespace foyer::redis {

// Only older answers came for that long: the cluster was set up anew.
inline constexpr Millis kClusterPatience{10'000};
inline constexpr std::size_t kMostAskedNodes = 32;

struct ClusterAnswer {
  ClusterState state = {};
  SlotMap slots = {};
};

class ClusterView {
 public:
  explicit ClusterView(std::vector<Endpoint> seeds);

  // What a node said last, or why it said nothing, with its address.
  void said(const Endpoint& node, std::expected<ClusterAnswer, std::string> what, MonoTime now);
  void moved(const Redirect& redirect);

  [[nodiscard]] const std::shared_ptr<const SlotMap>& map() const { return map_; }
  // The nodes to ask: primaries, seeds, then replicas, as many as fit.
  [[nodiscard]] std::vector<Endpoint> nodes() const;
  [[nodiscard]] std::optional<std::string> trouble() const;

 private:
  struct Last {
    bool ok = false;      // it calls the cluster well
    std::string why = {}; // otherwise
  };
  const std::vector<Endpoint> seeds_;
  std::shared_ptr<const SlotMap> map_ = std::make_shared<const SlotMap>();
  std::map<Endpoint, Last> last_; // of the nodes to ask
  std::uint64_t epoch_ = 0;
  std::optional<MonoTime> newest_at_; // when an answer with that number, or a higher one, came
};

} // namespace foyer::redis

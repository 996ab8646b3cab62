// Which primaries a cluster has, and for which slots, as long as this exists: its nodes are asked again and again.
//
// Each says what it knows, with the number of the last change that all agreed on (current epoch). What comes with a
// lower number is old: a node that was frozen or cut off. A redirection is believed at once.
//
// Any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "redis/bus_url.h"
#include "redis/policy.h"
#include "redis/redirect.h"
#include "redis/slot_map.h"

namespace foyer::redis {

using SlotMapPtr = std::shared_ptr<const SlotMap>;

class Cluster {
 public:
  // Begins at once; asks every `every`. The URL is one of a cluster.
  Cluster(const BusUrl& url, client::TlsOptions tls, Policy policy, Entropy& entropy, Millis every = Millis{1'000});
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] const std::string& name() const; // for texts
  [[nodiscard]] SlotMapPtr map() const;          // without any slot until a node has answered
  // No node answers, or those that do call the cluster down. Nothing: it is well, or none was asked yet.
  [[nodiscard]] std::optional<std::string> trouble() const;

  // A node has said so.
  void moved(const Redirect& redirect);
  // Asks all nodes now.
  void refresh();

  // `changed` is called after each change of the map, and when trouble begins or ends, from now on, on a thread of
  // this; short. When the result is gone it is not called any more.
  [[nodiscard]] std::shared_ptr<void> watch(std::function<void()> changed);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::redis

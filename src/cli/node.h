// One running node: everything that `foyer serve` builds, from a checked
// configuration to listening loops, and its shutdown.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/refusal.h"
#include "config/options.h"
#include "store/data_dir.h"

namespace foyer::cli {

struct NodeAddress {
  std::string host; // numeric
  std::uint16_t port = 0;
  std::string url;    // http://host:port, https:// with TLS files
  std::string ws_url; // ws://host:port/ws/chat, wss:// with TLS files
};

class Node {
 public:
  // The configuration is valid and the caller holds the data directory. Binds,
  // opens the stores, starts the loops. `config_fingerprint`: of all options that
  // are not secret.
  [[nodiscard]] static Result<std::unique_ptr<Node>> start(
      config::Config config, store::DataDir& data, std::string config_fingerprint, Log& log);
  ~Node(); // stops at once

  [[nodiscard]] const NodeAddress& address() const;
  [[nodiscard]] std::string status_json() const; // DATA/foyer.json

  // Reads the TLS files again and fetches the key set, as far as they exist. From any thread.
  std::vector<std::string_view> reload();
  // After drain_delay, clients are notified and closed in batches; `done` is called when none is left or
  // drain_timeout has passed. Once.
  void drain(std::function<void()> done);
  // Ends loops, queues and stores, in that order. Acknowledged messages are stored.
  void stop();

 private:
  struct Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

} // namespace foyer::cli

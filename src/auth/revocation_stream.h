// The gateway's end of the revocation stream: a long poll that is always open.
// It starts with the first row, polls again at once after an answer, and after a
// fault with an endless back-off. Faults here do not count for the breaker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "auth/contract/auth_service.h"
#include "auth/contract/signature.h"
#include "auth/transport.h"

namespace foyer::auth {

struct StreamPolicy {
  Millis wait{25'000}; // of one poll; its deadline is 5 s later
  Millis connect_timeout{1'000};
};

// For health; RevocationTable knows whether the table is too old.
struct StreamStatus {
  std::optional<WallTime> last_success = {}; // when the last completely answered poll was sent
  std::optional<Refusal> fault = {};         // why the last poll was not answered
  std::optional<WallTime> since = {};        // of the fault, or of the first answer after one
};

class RevocationStream {
 public:
  using OnEvents = std::function<void(const std::vector<RevocationEvent>&)>;
  using OnSynchronised = std::function<void(WallTime)>; // all events before this poll was sent have been applied

  RevocationStream(Context around, const ServiceIdentity& identity, StreamPolicy policy = {});
  ~RevocationStream(); // on the plane's thread, or when it has stopped
  RevocationStream(const RevocationStream&) = delete;
  RevocationStream& operator=(const RevocationStream&) = delete;

  // Starts polling. Once, from any thread; both callbacks run on the plane's thread, `on_events` in the
  // order of the table. When the table is replaced by another (its name changes) all
  // rows of the new one follow.
  void watch(OnEvents on_events, OnSynchronised synchronised);
  [[nodiscard]] StreamStatus status() const; // any thread

 private:
  struct Poller;
  std::shared_ptr<Poller> poller_;
};

} // namespace foyer::auth

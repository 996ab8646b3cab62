// The gateway's end of the revocation stream: a long poll that is always open.
// It begins with the first row, polls again at once after an answer, and after a
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
  Millis wait{25'000}; // of one question; its deadline is 5 s later
  Millis connect_timeout{1'000};
};

// For health; whether the table is too old is the RevocationTable's to say.
struct StreamStatus {
  std::optional<WallTime> last_success = {}; // when the last question that was answered completely was sent
  std::optional<Refusal> fault = {};         // why the last question has no answer
  std::optional<WallTime> since = {};        // of the fault, or of the first answer after one
};

class RevocationStream {
 public:
  using OnEvents = std::function<void(const std::vector<RevocationEvent>&)>;
  using OnSynchronised = std::function<void(WallTime)>; // what was known when this question was sent is known here

  RevocationStream(Context around, const ServiceIdentity& identity, StreamPolicy policy = {});
  ~RevocationStream(); // on the plane's thread, or when it has stopped
  RevocationStream(const RevocationStream&) = delete;
  RevocationStream& operator=(const RevocationStream&) = delete;

  // Begins. Once, from any thread; both are called on the plane's, `on_events` in the
  // order of the table. When the table is replaced by another (its name changes) all
  // rows of the new one follow.
  void watch(OnEvents on_events, OnSynchronised synchronised);
  [[nodiscard]] StreamStatus status() const; // any thread

 private:
  struct Poller;
  std::shared_ptr<Poller> poller_;
};

} // namespace foyer::auth

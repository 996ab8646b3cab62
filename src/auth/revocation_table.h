// What has been revoked, as far as this process knows: fed by the auth service's
// stream, asked at each admission (door, step 10 and 11) and after each change.
// Thread safe; a question takes a shared lock and a few look-ups.
//
// An event is forgotten once no token that it could concern can still be valid.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth/contract/auth_service.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::auth {

struct RevocationPolicy {
  Millis max_age{5 * 60'000};             // silence longer than this: REVOCATION_UNCHECKED
  Millis token_life{24LL * 3'600'000};    // no token lives longer: events older than this are forgotten
  std::size_t table_size = 1'000'000;     // events kept; when full the oldest go
};

class RevocationTable {
 public:
  explicit RevocationTable(RevocationPolicy policy) : policy_(policy) {}

  void apply(const std::vector<RevocationEvent>& events);
  // The table is complete up to `now`.
  void synchronised(MonoTime now);

  // TOKEN_REVOKED, SESSION_REVOKED, USER_DISABLED, USER_UNKNOWN; REVOCATION_UNCHECKED
  // before the first synchronisation and when the last one is too long ago.
  [[nodiscard]] std::optional<Refusal> check(const Identity& identity, MonoTime now) const;
  // Only whether the table may be relied upon.
  [[nodiscard]] bool current(MonoTime now) const;
  [[nodiscard]] std::size_t size() const;

 private:
  using Ids = std::unordered_map<std::string, WallTime, TransparentStringHash, std::equal_to<>>;
  struct UserState {
    WallTime at{};
    RevocationEvent::Reason reason{};
  };
  void forget(WallTime now);

  RevocationPolicy policy_;
  mutable std::shared_mutex mutex_;
  Ids tokens_, sessions_, before_;
  std::unordered_map<std::string, UserState, TransparentStringHash, std::equal_to<>> users_; // disabled or deleted
  std::atomic<std::int64_t> synchronised_{INT64_MIN}; // MonoTime's count
  WallTime swept_{};
};

} // namespace foyer::auth

// The revocations known to this process: fed by the auth service's
// stream, checked at each admission (the steps revocation and user) and for each live
// connection after a change. Thread safe; a check takes a shared lock and a
// few lookups.
//
// "All of this user's issued before" is exact except for tokens of the very second of
// the event, whose iat is in whole seconds: a token of our own session is as valid
// as its session (they were all ended with the event), any other is refused.
//
// The table is bounded. When it is full, the oldest events are dropped; a token that may
// have been among them is then REVOCATION_UNCHECKED, never accepted unchecked.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/contract/auth_service.h"
#include "auth/policy.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::auth {

// Of an identity, what the table is asked about. The texts must live as long as the question.
struct RevocationSubject {
  RevocationSubject() = default;
  RevocationSubject(const Identity& identity) // NOLINT(google-explicit-constructor): every identity is one
      : user(identity.user.view()),
        session(identity.session.view()),
        token(identity.token.view()),
        issued_at(identity.issued_at),
        own_account(identity.own_account),
        foreign(identity.foreign) {}
  std::string_view user, session, token; // session, token: empty if there is none
  WallTime issued_at{};
  bool own_account = false;
  bool foreign = false; // of a trusted issuer: not in the auth service's stream
};

class RevocationTable {
 public:
  explicit RevocationTable(RevocationPolicy policy) : policy_(policy) {}

  // In the order of the stream; a repeated event changes nothing.
  void apply(const std::vector<RevocationEvent>& events);
  // The table is complete up to `now`.
  void synchronised(MonoTime now);

  // TOKEN_REVOKED, SESSION_REVOKED, USER_DISABLED, USER_UNKNOWN (the last two for
  // users of our own accounts only); REVOCATION_UNCHECKED before the first
  // synchronisation, when the last one is too long ago (both for tokens of our own auth service only), and for tokens
  // older than the events in the table.
  [[nodiscard]] std::optional<Refusal> check(const RevocationSubject& subject, MonoTime now) const;
  // Waits for the first synchronisation; false when it did not come in this time. For
  // startup, before the loops run.
  [[nodiscard]] bool wait_for_first(Millis at_most) const;
  // Only checks whether the table may be relied upon.
  [[nodiscard]] bool current(MonoTime now) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    WallTime at{};
    RevocationEvent::Reason reason{};
  };
  using Entries = std::unordered_map<std::string, Entry, TransparentStringHash, std::equal_to<>>;
  struct Arrival { // the place of an entry, to find the oldest
    RevocationEvent::Kind kind{};
    std::string id;
    WallTime at{};
  };
  [[nodiscard]] Entries& of(RevocationEvent::Kind kind);
  [[nodiscard]] std::size_t held() const;
  void forget_oldest();

  RevocationPolicy policy_;
  mutable std::shared_mutex mutex_;
  Entries tokens_, sessions_, before_, users_; // users_: disabled or deleted
  std::deque<Arrival> arrivals_;               // may name removed entries
  WallTime newest_{};
  WallTime floor_{};                                  // the latest event that was dropped for lack of room
  std::atomic<std::int64_t> synchronised_{INT64_MIN}; // MonoTime's count
  mutable std::mutex first_mutex_;                    // with `first_` only
  mutable std::condition_variable first_;
};

} // namespace foyer::auth

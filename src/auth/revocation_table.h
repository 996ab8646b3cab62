// The revocations known to this process: fed by the auth service's
// stream and by the chat store, checked at each admission (the steps revocation and user) and for each live
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

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
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

// Who tells of revocations.
enum class RevocationSource : std::uint8_t {
  accounts,   // the auth service
  chat_store, // blocks and revocations of the server API
  record,     // with several nodes: memberships and rooms that others ended (engine::LogWatch::current)
};

// Hears of each event that the table did not know yet, under its lock: it must be short and not ask back. May be empty.
using RevocationWatch = std::function<void(const RevocationEvent&)>;

class RevocationTable {
 public:
  // The table is complete when each of `sources` has synchronised it.
  explicit RevocationTable(
      RevocationPolicy policy, std::vector<RevocationSource> sources = {RevocationSource::accounts})
      : policy_(policy),
        sources_(std::move(sources)) {}

  // In the order of the stream; a repeated event changes nothing.
  void apply(const std::vector<RevocationEvent>& events, const RevocationWatch& watch = {});
  // The user, of any issuer, is blocked since then; nothing: no longer. The caller limits their number.
  void block(const UserId& user, std::optional<WallTime> since);
  // The table is complete up to `now`, as far as that source goes.
  void synchronised(MonoTime now, RevocationSource source = RevocationSource::accounts);

  // TOKEN_REVOKED, SESSION_REVOKED, USER_DISABLED, USER_UNKNOWN (the last two for
  // users of our own accounts only), USER_BLOCKED; REVOCATION_UNCHECKED before the first
  // synchronisation, when the last one is too long ago (for tokens of other issuers: that of the chat store), and for
  // tokens older than the events in the table.
  [[nodiscard]] std::optional<Refusal> check(const RevocationSubject& subject, MonoTime now) const;
  // Waits for the first synchronisation; false when it did not come in this time. For
  // startup, before the loops run.
  [[nodiscard]] bool wait_for_first(Millis at_most) const;
  // Only checks whether the table may be relied upon.
  [[nodiscard]] bool current(MonoTime now) const;
  [[nodiscard]] bool current(MonoTime now, RevocationSource source) const; // true for one that is not needed
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

  [[nodiscard]] bool synchronised_once() const; // by every source

  const RevocationPolicy policy_;
  const std::vector<RevocationSource> sources_;
  mutable std::shared_mutex mutex_;
  Entries tokens_, sessions_, before_, users_; // users_: disabled or deleted
  std::unordered_map<std::string, WallTime, TransparentStringHash, std::equal_to<>> blocked_; // never dropped
  std::deque<Arrival> arrivals_; // may name removed entries
  WallTime newest_{};
  WallTime floor_{}; // the latest event that was dropped for lack of room
  std::array<std::atomic<std::int64_t>, 3> synchronised_{
      INT64_MIN, INT64_MIN, INT64_MIN}; // by source: MonoTime's count
  mutable std::mutex first_mutex_;      // with `first_` only
  mutable std::condition_variable first_;
};

} // namespace foyer::auth

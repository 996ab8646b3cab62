// The API keys of the store as this process knows them. It reads them again twice a second if something changed, so
// that a disabled key stops within a second, whichever process disabled it.
//
// A key that it does not know may be new. Then it asks the store before it refuses: once for all that wait,
// 20 times a second at most, however many keys are guessed.
//
// A key that belongs to a registered service is found by the id of the service, in the same way.
//
// A known key is found on the caller's thread, under a short lock; everything else happens on the control plane.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/completion.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/limit_metrics.h"
#include "base/log.h"
#include "engine/api_keys.h"
#include "rooms/model/api_rights.h"

namespace foyer::access {

struct KeyRingPolicy {
  Millis poll_every{500};
  Millis ask_every{50};        // at most, for unknown keys
  std::size_t waiting = 1'000; // requests with an unknown key that wait for the store; more: BUSY
  Millis max_age{5 * 60'000};  // without an answer of the store for so long, no key is accepted
  Millis use_every{3'600'000}; // how often a use is noted
};

struct ApiKey {
  std::string id;
  std::string name;
  rooms::ApiRights rights;
};
using ApiKeyPtr = std::shared_ptr<const ApiKey>;

class KeyRing {
 public:
  // The references must outlive it.
  KeyRing(
      engine::ApiKeys& store, KeyRingPolicy policy, Executor& control, const Clock& clock, Metrics& metrics, Log& log);
  ~KeyRing();
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  void start(); // once: reads the keys and follows them

  // Any thread. API_KEY_REJECTED for a key that is unknown, disabled or ended; BUSY, or what the store refuses with,
  // when that cannot be known. A known key is found before the call returns, others later and on the control plane.
  void find(std::string_view key, Completion<ApiKeyPtr> done);
  // The key of a service that has proved who it is. As find(), but PERMISSION_DENIED if there is none.
  void find_of_service(std::string_view service, Completion<ApiKeyPtr> done);
  // Any thread: whether there is a key at all, as far as this process knows.
  [[nodiscard]] bool any() const;

 private:
  struct Entry { // of a secret, or of a key that belongs to a service
    ApiKeyPtr key;
    std::string hash; // empty: of a service
    std::optional<WallTime> ends;
    std::optional<WallTime> disabled;
    std::shared_ptr<std::atomic<std::int64_t>> noted; // the last noted use of the key
  };
  struct Known { // immutable but for `noted`
    std::unordered_map<std::string, Entry> by_hash;
    std::unordered_map<std::string, Entry> by_service;
    std::optional<MonoTime> confirmed = {}; // when the last answered question was asked
    std::optional<Refusal> failure = {};    // of the last question
  };
  using KnownPtr = std::shared_ptr<const Known>;
  struct Sought {
    std::string hash;    // of a secret
    std::string service; // or the id of a service
  };
  struct Waiting {
    Sought sought;
    Completion<ApiKeyPtr> done;
  };
  struct Life; // shared with answers that are under way

  void wait(Waiting one);
  void ask();
  void ask_soon();
  void answered(Result<std::optional<engine::ApiKeyList>> list);
  void find(Sought sought, Completion<ApiKeyPtr> done);
  [[nodiscard]] static const Entry* look_up(const Known& known, const Sought& sought);
  void take(const engine::ApiKeyList& list, Known& next) const;
  void report(const engine::ApiKeyList& list);
  [[nodiscard]] KnownPtr known() const;
  [[nodiscard]] bool live(const Entry& entry) const;
  [[nodiscard]] Result<ApiKeyPtr> judge(const Known& known, const Sought& sought, const Entry* entry);
  void note_use(const Entry& entry);
  void store_uses();

  engine::ApiKeys& store_;
  const KeyRingPolicy policy_;
  Executor& control_;
  const Clock& clock_;
  Log& log_;
  LimitMeter waiting_meter_;

  mutable std::mutex mutex_; // with known_ only
  KnownPtr known_ = std::make_shared<const Known>();

  std::vector<engine::ApiKeyUse> uses_; // to be stored
  std::string version_;
  std::vector<Waiting> waiting_; // for the next question
  std::vector<Waiting> asked_;   // for the one under way
  bool asking_ = false;
  MonoTime last_asked_{};
  TimerId poll_ = 0;
  TimerId soon_ = 0;
  std::shared_ptr<Life> life_;
};

} // namespace foyer::access

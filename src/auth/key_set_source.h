// The public keys that access tokens are verified with, fetched from a URL and
// kept fresh: every minute, and unscheduled when a token names an unknown kid,
// at most once per cool-down however many such tokens arrive. While the URL
// cannot be read, the last good set stays in use, up to a limit, and the status reports it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "auth/policy.h"
#include "auth/transport.h"
#include "base/completion.h"
#include "base/refusal.h"
#include "jose/key_set.h"

namespace foyer::auth {

struct KeySetStatus {
  std::optional<WallTime> last_success = {}; // of a fetch, also of an unchanged set
  std::optional<Refusal> fault = {}; // why the last fetch failed; the last good set still serves unless `check` refuses
  std::size_t keys = 0;
  std::size_t ignored = 0; // unusable keys of the last set; the others are used
};

class KeySetSource {
 public:
  using OnChange = std::function<void(std::shared_ptr<const jose::KeySet>)>;

  // `on_change` on the plane's thread, with each set that differs from the previous one.
  // The transport connects to the URL's server; nothing is signed.
  KeySetSource(Context around, KeySetPolicy policy, OnChange on_change);
  ~KeySetSource(); // on the plane's thread, or when it has stopped
  KeySetSource(const KeySetSource&) = delete;
  KeySetSource& operator=(const KeySetSource&) = delete;

  // Fetches until it succeeds, then every `interval`. Once, from any thread.
  void start();

  // For a token with an unknown kid; on the plane's thread, like `done`, which may run at once. All callers share a
  // fetch. True: there is a newer set now; verify again. False: there is none, or the cool-down runs. Refusal: no set
  // may be relied upon, with the reason.
  void refresh(Completion<bool> done);

  // Any thread, called for every verification: a refusal (AUTH_SERVICE_*, INVALID_RESPONSE_FORMAT)
  // when there is no good set yet, or the last one is older than max_age.
  [[nodiscard]] std::optional<Refusal> check() const;
  [[nodiscard]] KeySetStatus status() const; // any thread

 private:
  struct Fetcher;
  std::shared_ptr<Fetcher> fetcher_;
};

} // namespace foyer::auth

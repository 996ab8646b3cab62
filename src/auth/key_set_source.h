// The public keys that access tokens are verified with, fetched from a URL and
// kept fresh: every minute, and out of turn when a token names a kid that is not
// there, at most once per cool-down however many such tokens arrive. While the URL
// cannot be read, the last good set stays in use, up to a limit, and the status says so.
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
  std::optional<WallTime> last_success = {}; // of a fetch, also of one that found the same set
  std::optional<Refusal> fault = {}; // why the last fetch failed; the last good set still serves unless `check` refuses
  std::size_t keys = 0;
  std::size_t ignored = 0; // keys of the last set that cannot be used; the others are
};

class KeySetSource {
 public:
  using OnChange = std::function<void(std::shared_ptr<const jose::KeySet>)>;

  // `on_change` on the plane's thread, with each set that differs from the one before.
  // The transport is that of the URL's server; nothing is signed.
  KeySetSource(Context around, KeySetPolicy policy, OnChange on_change);
  ~KeySetSource(); // on the plane's thread, or when it has stopped
  KeySetSource(const KeySetSource&) = delete;
  KeySetSource& operator=(const KeySetSource&) = delete;

  // Fetches until it succeeds, then every `interval`. Once, from any thread.
  void start();

  // For a token whose kid is unknown; on the plane's thread, `done` too, perhaps at once. All who wait share one fetch.
  // True: there is a newer set now; verify again. False: there is none, or the
  // cool-down runs. Refusal: there is no set that may be relied upon, and why.
  void refresh(Completion<bool> done);

  // Any thread, on the way of every verification: a refusal (AUTH_SERVICE_*, INVALID_RESPONSE_FORMAT)
  // when there is no good set yet, or the last one is older than max_age.
  [[nodiscard]] std::optional<Refusal> check() const;
  [[nodiscard]] KeySetStatus status() const; // any thread

 private:
  struct Fetcher;
  std::shared_ptr<Fetcher> fetcher_;
};

} // namespace foyer::auth

// A short-lived cache of the auth service's answers about session cookies: yes for at most
// 60 s and never beyond the session's end, no for 5 s. Tickets are never cached.
//
// The key is a digest of the cookie and of the address that sent it, so that no
// cookie is kept in memory and the auth service sees every address that uses one.
// "Yes" and "no" have separate space: a client that sends random cookies displaces no
// other client's answer. The least recently used entry is dropped first.
//
// An event of the revocation stream clears the entries it affects; an answer that was
// requested before it (an older generation) is not cached.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/breaker.h"
#include "auth/contract/auth_service.h"
#include "base/ids.h"

namespace foyer::auth {

struct CachePolicy {
  Millis positive{60'000};
  Millis negative{5'000};
  std::size_t positives = 10'000; // answers kept
  std::size_t negatives = 1'000;
};

class CookieCache {
 public:
  explicit CookieCache(CachePolicy policy = {}) : policy_(policy) {}

  [[nodiscard]] static std::string key(std::string_view cookie, std::string_view address);

  [[nodiscard]] std::optional<Result<Identity>> find(std::string_view key, Moment now);
  // Read this before the call, and pass it in with the answer.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  // Caches the answer if allowed: not refusals that end by waiting, nothing that has expired.
  void keep(std::string key, const Result<Identity>& answer, std::uint64_t generation, Moment now);
  void apply(const std::vector<RevocationEvent>& events);
  [[nodiscard]] std::size_t size() const { return positives_.index.size() + negatives_.index.size(); }

 private:
  struct Entry {
    std::string key;
    Result<Identity> answer;
    MonoTime until;
  };
  struct Kept {
    std::list<Entry> recent;                                                // the last used in front
    std::unordered_map<std::string_view, std::list<Entry>::iterator> index; // keys are stored in the entries
  };
  static void erase(Kept& kept, std::list<Entry>::iterator entry);

  CachePolicy policy_;
  Kept positives_;
  Kept negatives_;
  std::uint64_t generation_ = 0;
};

} // namespace foyer::auth

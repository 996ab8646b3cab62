// Looks up accounts at the auth service in another process: one attempt, and
// the answer is cached for a short while ("nobody" shorter). The circuit breaker
// and the retries of credential calls are not involved.
//
// Everything runs on the control plane's thread.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/contract/auth_service.h"
#include "auth/contract/signature.h"
#include "auth/transport.h"
#include "base/bytes.h"
#include "base/limit_metrics.h"

namespace foyer::auth {

struct PeoplePolicy {
  Millis timeout{2'000};
  Millis connect_timeout{300};
  Millis positive{60'000}; // how long an answer is cached
  Millis negative{5'000};
  std::size_t answers = 10'000;  // cached; the oldest is dropped first
  std::size_t questions = 1'000; // in progress; beyond it BUSY
};

class PeopleSource : public std::enable_shared_from_this<PeopleSource> {
 public:
  PeopleSource(Context around, ServiceIdentity identity, PeoplePolicy policy);

  void find(PersonRequest question, Completion<std::optional<Person>> answer);
  // Drops the answers about a deleted account.
  void apply(const std::vector<RevocationEvent>& events);

 private:
  struct Entry {
    std::string key;
    std::optional<Person> person;
    MonoTime until;
  };
  void keep(std::string key, std::optional<Person> person);
  void erase(std::list<Entry>::iterator entry);

  Context around_;
  const ServiceIdentity identity_;
  const PeoplePolicy policy_;
  std::list<Entry> answers_; // the oldest first
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
  std::size_t under_way_ = 0;
  std::uint64_t generation_ = 0; // counts deletions: an answer that was requested before one is not cached
  LimitMeter answers_meter_, questions_meter_;
};

} // namespace foyer::auth

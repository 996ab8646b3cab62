// Looks up accounts at the auth service in another process: one attempt, and
// its answer is kept for a short while ("nobody" shorter). Neither the circuit breaker
// nor the retries of credential questions know of it.
//
// All of it on the control plane's thread.
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
  Millis positive{60'000}; // an answer is kept so long
  Millis negative{5'000};
  std::size_t answers = 10'000;  // kept; beyond it the one asked longest ago goes
  std::size_t questions = 1'000; // under way; beyond it BUSY
};

class PeopleSource : public std::enable_shared_from_this<PeopleSource> {
 public:
  PeopleSource(Context around, ServiceIdentity identity, PeoplePolicy policy);

  void find(PersonRequest question, Completion<std::optional<Person>> answer);
  // An account that was deleted is not found any more.
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
  std::list<Entry> answers_; // the oldest in front
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
  std::size_t under_way_ = 0;
  std::uint64_t generation_ = 0; // of the accounts: an answer that was asked for before a deletion is not kept
  LimitMeter answers_meter_, questions_meter_;
};

} // namespace foyer::auth

// The share of each login in the hashing queue (exec/fair_queue.h): it depends on
// whether the user signed in from the address before, and how often the address asked lately.
//
// Both tables are bounded and forget the least recently used entry, which then
// counts as unknown. Pure; takes `now`; one thread.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/ids.h"
#include "exec/fair_queue.h"

namespace foyer::accounts {

struct LoginSharesPolicy {
  double often_of_address = 5; // more within about ten seconds
  double often_of_network = 40;
  Millis half_life = std::chrono::seconds{10};
  std::size_t max_known = 65'536;   // pairs of (user, address) that signed in
  std::size_t max_counted = 65'536; // addresses and networks
};

class LoginShares {
 public:
  explicit LoginShares(LoginSharesPolicy policy = {}) : policy_(policy) {}

  // Counts one more request for a hash. `user` is empty for an unknown user.
  [[nodiscard]] exec::Share take(exec::WorkClass of, std::string_view address, std::string_view user, MonoTime now);
  void signed_in(std::string_view address, std::string_view user);

  [[nodiscard]] std::size_t known() const { return known_.size(); }
  [[nodiscard]] std::size_t counted() const { return counts_.size(); }

 private:
  struct Count {
    double level = 0;
    MonoTime at{};
    std::list<std::string>::iterator age;
  };
  // Counts one more of `key`; true: that is often.
  bool count(std::string key, double often, MonoTime now);

  LoginSharesPolicy policy_;
  std::unordered_map<std::string, std::list<std::string>::iterator, TransparentStringHash, std::equal_to<>> known_;
  std::list<std::string> known_by_age_; // front: least recently used
  std::unordered_map<std::string, Count, TransparentStringHash, std::equal_to<>> counts_;
  std::list<std::string> counts_by_age_;
};

} // namespace foyer::accounts

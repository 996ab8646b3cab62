// How the users of trusted issuers are named in requests: by their id, or by {"issuer":…,"sub":…}; and what looks like
// a mistake. Immutable.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::api {

class UserIds {
 public:
  struct Issuer {
    std::string name;   // of the configuration
    std::string issuer; // the `iss` of its tokens
    std::string prefix; // of the ids of its users
  };
  // The id of an issuer's user, by its prefix and the `sub`.
  using Make = std::function<std::string(std::string_view prefix, std::string_view sub)>;

  UserIds() = default; // without issuers
  UserIds(std::vector<Issuer> issuers, Make make) : issuers_(std::move(issuers)), make_(std::move(make)) {}

  [[nodiscard]] bool any() const { return !issuers_.empty(); }
  // How an issuer may be named: by `iss` or by name.
  [[nodiscard]] std::vector<std::string> names() const;
  // Nothing: there is no issuer of that name.
  [[nodiscard]] std::optional<std::string> id_of(std::string_view issuer, std::string_view sub) const;
  // What to say about an id that belongs to no issuer and to no account; empty: nothing. Printable ASCII, if the id is.
  [[nodiscard]] std::string hint(std::string_view id) const;

 private:
  std::vector<Issuer> issuers_;
  Make make_;
};

} // namespace foyer::api

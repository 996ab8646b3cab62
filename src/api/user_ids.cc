#include "api/user_ids.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace foyer::api {
namespace {

// Of this server's own users and programs.
constexpr std::array<std::string_view, 3> kOwn = {"u_", "app:", "system:"};

} // namespace

std::vector<std::string> UserIds::names() const {
  std::vector<std::string> out;
  for (const Issuer& each : issuers_) {
    out.push_back(each.issuer);
    if (each.name != each.issuer) out.push_back(each.name);
  }
  return out;
}

std::optional<std::string> UserIds::id_of(std::string_view issuer, std::string_view sub) const {
  auto found = std::ranges::find(issuers_, issuer, &Issuer::issuer);
  if (found == issuers_.end()) found = std::ranges::find(issuers_, issuer, &Issuer::name);
  if (found == issuers_.end()) return std::nullopt;
  return make_(found->prefix, sub);
}

std::string UserIds::hint(std::string_view id) const {
  if (issuers_.empty() || id.empty()) return {};
  std::vector<std::string_view> prefixes;
  for (const Issuer& each : issuers_) {
    if (id.starts_with(each.prefix)) return {}; // also without a prefix
    prefixes.push_back(each.prefix);
  }
  if (std::ranges::any_of(kOwn, [id](std::string_view own) { return id.starts_with(own); })) return {};
  return fmt::format(
      "The id {} is of no account and of no issuer: ids of issuers begin with {}", id, fmt::join(prefixes, " or "));
}

} // namespace foyer::api

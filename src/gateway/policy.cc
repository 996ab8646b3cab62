#include "gateway/policy.h"

#include <algorithm>

namespace foyer::gateway {
namespace {

void set_if_zero(std::uint32_t& value, std::uint64_t times, std::uint64_t of) {
  if (value == 0) value = static_cast<std::uint32_t>(std::min<std::uint64_t>(times * of, UINT32_MAX));
}

} // namespace

GatewayPolicy resolved(GatewayPolicy policy) {
  set_if_zero(policy.user.messages_per_s, 2, policy.messages_per_s);
  set_if_zero(policy.user.messages_burst, 5, policy.messages_burst);
  set_if_zero(policy.rooms.messages_per_s, 2, policy.messages_per_s);
  set_if_zero(policy.rooms.messages_burst, 5, policy.messages_burst);
  return policy;
}

} // namespace foyer::gateway

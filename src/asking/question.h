// What is sent: the body of each question, in the shapes of Centrifugo's proxies, and its signed request.
#pragma once

#include <string>
#include <string_view>

#include "asking/asking.h"
#include "auth/transport.h"

namespace foyer::asking {

[[nodiscard]] std::string body_of(const ConnectQuestion& question);
[[nodiscard]] std::string body_of(const RefreshQuestion& question);
[[nodiscard]] std::string body_of(const SubscribeQuestion& question);
[[nodiscard]] std::string body_of(const PublishQuestion& question);

struct Signed {
  std::string id; // the same in every attempt
  std::string key;
  WallTime now;
};
// `kept`: may be null. Of its headers those in `names` are passed on.
[[nodiscard]] auth::Call request_of(std::string body, const Signed& by, std::string_view target,
    std::string_view user_agent, const Kept* kept, std::span<const std::string> names);

// A header that is never passed on, because the request has its own.
[[nodiscard]] bool is_own_header(std::string_view name);

} // namespace foyer::asking

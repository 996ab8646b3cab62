// Which rooms are kept only in memory: those whose name matches a pattern of the
// configuration. In a pattern `*` matches any characters, or none; other characters
// match themselves. Example: "game.*" and "user:*".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foyer::rooms {

[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);

class Durability {
 public:
  Durability() = default; // every room is durable
  explicit Durability(std::vector<std::string> not_durable) : patterns_(std::move(not_durable)) {}
  [[nodiscard]] bool durable(std::string_view room) const;

 private:
  std::vector<std::string> patterns_;
};

} // namespace foyer::rooms

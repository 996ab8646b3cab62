#include "client/retry_after.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>

namespace foyer::client {

std::optional<Millis> retry_after(const Response& answer) {
  const std::string* header = answer.headers.find("Retry-After");
  if (header == nullptr) return std::nullopt;
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(header->data(), header->data() + header->size(), seconds);
  if (error != std::errc{} || end != header->data() + header->size()) return std::nullopt;
  return std::chrono::seconds{seconds};
}

} // namespace foyer::client

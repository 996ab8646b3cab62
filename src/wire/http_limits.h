// Size limits of one HTTP request.
#pragma once

#include <cstddef>

namespace foyer::wire {

struct HttpLimits {
  std::size_t header_bytes = 16 * 1024; // the whole head: request line, header lines, every CRLF
  std::size_t header_count = 100;
  std::size_t body_bytes = 64 * 1024;
};

} // namespace foyer::wire

// An HTTP answer as it came, read leniently: what a strict parser refuses is what the doctor must show. Bare line
// feeds, a 101 with a body, and lines without a colon are accepted.
#pragma once

#include <string_view>

#include "doctor/facts.h"

namespace foyer::doctor {

inline constexpr std::size_t kMostHeadBytes = 64 * 1024;
inline constexpr std::size_t kMostBodyBytes = 16 * 1024; // that are kept

// The head at the front of `bytes`, with the line that ends it; 0: it is not complete.
[[nodiscard]] std::size_t head_size(std::string_view bytes);
// Status line and headers of a complete head into `exchange`. False: it is not HTTP/1.
[[nodiscard]] bool read_head(std::string_view head, Exchange& exchange);
// Whether these bytes could still become HTTP/1.
[[nodiscard]] bool may_be_http(std::string_view bytes);
// Whether `body` is all of it, as far as the headers say.
[[nodiscard]] bool body_complete(const Exchange& exchange, std::string_view body);
// The body without the marks of chunked coding.
[[nodiscard]] std::string body_text(const Exchange& exchange, std::string_view body);

} // namespace foyer::doctor

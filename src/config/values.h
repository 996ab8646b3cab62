// The notation of values: durations, sizes, words. Errors state the rule, never the value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "config/options.h"

namespace foyer::config {

[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text); // decimal digits
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);  // 65536, 64KiB, 1MiB, 1GiB
[[nodiscard]] std::optional<Millis> parse_duration(std::string_view text);     // 500ms, 8s, 15m, 24h, 14d, 0
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);           // true, false, 1, 0, on, off, yes, no
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text); // 127.0.0.1:8000, [::1]:8000, localhost:0
[[nodiscard]] bool is_cidr(std::string_view text);                            // 10.0.0.0/8, ::1, 192.0.2.7

// sqlite, or postgres(ql)://[USER[:PASSWORD]@][HOST[:PORT],…]/[NAME][?KEYWORD=VALUE&…], as libpq reads it.
[[nodiscard]] bool is_database(std::string_view text);
[[nodiscard]] bool is_postgres(std::string_view database_url); // by its scheme
// A server on another machine, in a URL that does not say whether TLS is used: libpq then does without where the server
// offers none.
[[nodiscard]] bool is_remote_without_sslmode(std::string_view database_url);
// With *** in place of a password, or a possible one. Also for text that is not such a URL.
[[nodiscard]] std::string without_password(std::string_view database_url);

[[nodiscard]] std::string format_size(std::uint64_t bytes);
[[nodiscard]] std::string format_duration(Millis duration);
[[nodiscard]] std::string format_host_port(const HostPort& address);

// The words of an enumeration, in the order of the documentation.
template <class E>
[[nodiscard]] std::span<const std::pair<std::string_view, E>> words_of();

template <class E>
[[nodiscard]] std::string_view word_of(E value) {
  for (const auto& [word, e] : words_of<E>())
    if (e == value) return word;
  return {};
}
template <class E>
[[nodiscard]] std::optional<E> parse_word(std::string_view text) {
  for (const auto& [word, e] : words_of<E>())
    if (word == text) return e;
  return std::nullopt;
}

} // namespace foyer::config

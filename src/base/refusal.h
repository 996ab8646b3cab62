// The two values in which every attempt to connect ends.
//
// A Refusal passes through all layers unchanged.
// An Admission says who the client is, what it may do, and until when.
#pragma once

#include <array>
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cause.h"
#include "base/clock.h"
#include "base/ids.h"

namespace foyer {

// What a user may do. Absent scope = nothing.
struct Permissions {
  bool chat_read = false;
  bool chat_write = false;
  bool admin = false;
  friend bool operator==(const Permissions&, const Permissions&) = default;
};
[[nodiscard]] Permissions parse_scope(std::string_view scope); // space separated; unknown words are ignored
[[nodiscard]] std::string to_scope(const Permissions& permissions);

// The identity behind a credential, as established by a signature or by the auth service.
struct Identity {
  UserId user;
  std::string name;  // shown to others; = user when the token has none
  SessionId session; // empty for foreign tokens without sid
  TokenId token;     // jti; for a ticket, that of the token it was requested with; empty for cookies
  Permissions permissions;
  WallTime issued_at{};
  WallTime expires_at{};
  bool own_account = false;            // issued by our own accounts: USER_UNKNOWN and revocation by user apply
  bool foreign = false;                // of a trusted issuer: the auth service knows nothing about it
  std::vector<std::string> rooms = {}; // that its token names (the `rooms` claim)
};

struct Refusal {
  Cause cause{};
  std::string evidence = {};              // for the operator: what was observed; no secrets, no token text
  std::optional<Millis> retry_after = {}; // if waiting helps
  std::string field = {};                 // the field, option or header at fault, if any
  std::string detail = {};            // for the client, after the sentence of the cause: a sentence about its own input
  std::vector<Refusal> attempts = {}; // AUTH_RETRY_EXHAUSTED: the cause of each attempt
  std::string_view next = {}; // a constant; a more specific next step than the catalogue's, if the evidence shows one

  [[nodiscard]] const CauseInfo& info() const { return foyer::info(cause); }
  [[nodiscard]] std::string_view code() const { return info().code; }
  [[nodiscard]] Step step() const { return info().step; }
  [[nodiscard]] std::string operator_text() const; // the catalogue's sentence and the evidence
  [[nodiscard]] std::string_view next_step() const { return next.empty() ? info().next : next; }
};

template <class T>
using Result = std::expected<T, Refusal>;

[[nodiscard]] inline std::unexpected<Refusal> refuse(Cause cause, std::string evidence = {}) {
  return std::unexpected(Refusal{.cause = cause, .evidence = std::move(evidence)});
}
[[nodiscard]] inline std::unexpected<Refusal> refuse_field(Cause cause, std::string field, std::string evidence = {}) {
  return std::unexpected(Refusal{.cause = cause, .evidence = std::move(evidence), .field = std::move(field)});
}

// Time spent in each step of the door; -1 for a step that was not examined.
struct StepTimes {
  std::array<std::chrono::nanoseconds, kStepCount> spent;
  StepTimes() { spent.fill(std::chrono::nanoseconds{-1}); }
};

struct Admission {
  Identity identity;
  StepTimes times;
};

} // namespace foyer

// TRY(name, expression): bind the value, or return the Refusal as it is.
#define FOYER_CONCAT_(a, b) a##b
#define FOYER_CONCAT(a, b) FOYER_CONCAT_(a, b)
#define TRY(name, ...)                                                                                        \
  auto FOYER_CONCAT(try_, __LINE__) = (__VA_ARGS__);                                                          \
  if (!FOYER_CONCAT(try_, __LINE__)) return std::unexpected(std::move(FOYER_CONCAT(try_, __LINE__)).error()); \
  auto name = std::move(*FOYER_CONCAT(try_, __LINE__))
#define TRY_VOID(...)                                                                   \
  if (auto FOYER_CONCAT(try_, __LINE__) = (__VA_ARGS__); !FOYER_CONCAT(try_, __LINE__)) \
  return std::unexpected(std::move(FOYER_CONCAT(try_, __LINE__)).error())

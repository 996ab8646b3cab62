// The configuration of the account service.
#pragma once

#include <string>
#include <vector>

#include "accounts/guard/lockout.h"
#include "accounts/guard/rate_limits.h"
#include "accounts/password/passwords.h"
#include "accounts/session/refresh.h"
#include "accounts/session/sessions.h"
#include "accounts/session/tickets.h"

namespace foyer::accounts {

enum class Registration : std::uint8_t {
  open,   // anybody
  invite, // users with an invitation
  closed, // only `foyer user add`
};

// How long the audit is stored.
struct AuditPolicy {
  std::uint64_t days = 365;
  std::uint64_t refusal_days = 30;  // of refusals, which strangers can cause
  std::uint64_t refusals = 100'000; // rows of refusals; beyond, the oldest are deleted
};

struct AccountsPolicy {
  std::string issuer = "foyer";
  std::string audience = "foyer";
  std::string client_id = "foyer";
  std::string environment = "development";
  bool require_environment_claim = false;
  std::vector<std::string> token_types = {"at+jwt"};
  Millis leeway{30'000};
  bool reveal = false;           // development: the client also gets the operator's text
  bool insecure_cookies = false; // development: over http the cookie has no Secure and no __Host-
  std::string public_url = {};   // scheme://host[:port][/path], for a ticket's url; empty: that of the request
  std::string base_path = {};    // of public_url: "" or /path; the cookie's path
  std::string socket_path = "/ws/chat";
  std::vector<std::string> allowed_origins = {};

  Registration registration = Registration::closed;
  std::vector<std::string> reserved_names = {}; // in addition to those of names.cc
  std::size_t min_password_characters = kMinPasswordCharacters;
  HashCost hash_cost = {};
  Millis access_ttl = std::chrono::minutes{15};
  RefreshPolicy refresh = {};
  SessionPolicy sessions = {};
  std::size_t sessions_per_user = 500; // beyond: the least recently used ends
  Millis ticket_ttl = std::chrono::seconds{30};
  Millis longest_ticket_ttl = std::chrono::seconds{60};
  TicketPolicy tickets = {};
  LockoutPolicy lockout = {};
  LockoutPolicy factor_lockout = {.free_failures = 20}; // per user, from all addresses together
  Rate rate = {.burst = 100, .per_second = 10};         // per endpoint and address
  Rate check_rate = {
      .burst = 2'000, .per_second = 200}; // of GET /auth/check: a page has many parts, and a proxy checks each
  Millis revocation_poll{250};
};

} // namespace foyer::accounts

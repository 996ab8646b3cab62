#include "admission/door.h"

#include <algorithm>
#include <cctype>

#include "admission/credentials.h"
#include "admission/evidence.h"
#include "admission/upgrade.h"
#include "base/bytes.h"
#include "wire/request_fields.h"
#include "wire/url.h"

namespace foyer::admission {
namespace {

constexpr std::size_t kLongestTicket = 512; // a ticket of ours has 43 characters

Refusal no_token(std::string evidence) { return Refusal{.cause = Cause::NO_TOKEN, .evidence = std::move(evidence)}; }
Refusal bad_form(std::string evidence, std::string field) {
  return Refusal{.cause = Cause::INVALID_FORMAT, .evidence = std::move(evidence), .field = std::move(field)};
}

// Their WebSocket hides an HTTP answer to a handshake from the calling code: Node
// fires `error` without a cause, Deno closes with code 0. Neither sends an Origin.
bool hides_http(const Request& request) {
  if (wire::list_holds(request, "Sec-Fetch-Mode", "websocket")) return true; // Node
  const std::string* agent = request.headers.find("User-Agent");
  return agent != nullptr && agent->starts_with("Deno/");
}

// ?auth=FORM: the client states the form of its credential.
bool announces(const Request& request, std::string_view form) {
  const auto announced = query_values(request, "auth");
  return std::ranges::find(announced, form) != announced.end();
}

} // namespace

void Consent::apply(Identity& identity) const {
  if (name) identity.name = *name;
  if (permissions) {
    identity.permissions.chat_read = permissions->chat_read;
    identity.permissions.chat_write = permissions->chat_write;
  }
  identity.rooms.insert(identity.rooms.end(), rooms.begin(), rooms.end());
  if (expires_at) identity.expires_at = *expires_at;
}

bool origin_allowed(const DoorPolicy& policy, std::string_view origin) {
  return std::ranges::find(policy.allowed_origins, origin) != policy.allowed_origins.end();
}

bool host_allowed(const DoorPolicy& policy, const Request& request) {
  const std::string* header = request.headers.find("Host");
  if (header == nullptr || request.headers.count("Host") != 1) return false;
  std::string host = *header;
  std::ranges::transform(host, host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end != std::string::npos && wire::is_ip_literal(host.substr(1, end - 1));
  }
  if (const auto colon = host.find(':'); colon != std::string::npos) host.resize(colon);
  if (host == "localhost" || wire::is_ip_literal(host)) return true;
  return std::ranges::find(policy.allowed_hosts, host) != policy.allowed_hosts.end();
}

Door::Door(const DoorPolicy& policy, Handshake handshake)
    : policy_(&policy),
      request_(handshake.request),
      secure_(handshake.secure || policy.secure_cookies) {
  const Request& request = *request_;
  socket_ = find_socket(policy, request.path);
  if (const std::string* origin = request.headers.find("Origin")) {
    has_origin_ = true;
    origin_ = *origin;
    origin_ok_ = request.headers.count("Origin") == 1 && origin_allowed(policy, *origin);
  }
  like_browser_ = has_origin_ || hides_http(request);
  upgrade_ok_ = !check_method(request) && !check_upgrade(request);
  look_at_offers(request);
}

void Door::look_at_offers(const Request& request) {
  const auto offers = offered_subprotocols(request);
  if (socket_ != nullptr) {
    const auto spoken = std::ranges::find_if(offers, [&](std::string_view offer) {
      return std::ranges::find(socket_->subprotocols, offer) != socket_->subprotocols.end();
    });
    if (spoken != offers.end()) refusal_echo_ = *spoken;
  }
  if (refusal_echo_.empty()) {
    const auto harmless = std::ranges::find_if(
        offers, [](std::string_view offer) { return is_token_word(offer) && !looks_like_credential(offer); });
    if (harmless != offers.end()) refusal_echo_ = *harmless;
  }
  only_credentials_ = !offers.empty() && refusal_echo_.empty();
}

Next Door::next(const Clock& clock) {
  const MonoTime now = clock.mono();
  if (clock_started_ && !decided_) charge(asked_, now);
  clock_started_ = true;
  last_ = now;
  for (;;) {
    switch (at_) {
      case At::readiness: asked_ = Step::readiness; return AskReadiness{};
      case At::transport: decided(Step::transport, check_transport(), At::subprotocol, clock); break;
      case At::subprotocol:
        decided(Step::subprotocol, check_subprotocol(), socket_->needs_token ? At::credential_present : At::capacity,
            clock);
        break;
      case At::credential_present: {
        auto problem = find_credential();
        request_ = nullptr;
        decided(Step::credential_present, std::move(problem),
            form_ == Form::none ? At::first_message : At::credential_form, clock);
        break;
      }
      case At::credential_form: {
        const At question = form_ == Form::token ? At::token : form_ == Form::ticket ? At::ticket : At::cookie;
        decided(Step::credential_form, check_form(), question, clock);
        break;
      }
      case At::first_message:
        asked_ = Step::credential_present;
        upgraded_ = true;
        return AwaitFirstMessage{};
      case At::token: asked_ = Step::credential_valid; return AskToken{credential_};
      case At::ticket: asked_ = Step::auth_service; return AskTicket{credential_, origin_};
      case At::cookie: asked_ = Step::auth_service; return AskCookie{credential_};
      case At::revocation: asked_ = Step::revocation; return AskRevocation{&identity_};
      case At::permission:
        decided(
            Step::permission, check_permission(), socket_->asks_application ? At::application : At::capacity, clock);
        break;
      case At::application: asked_ = Step::application; return AskApplication{&identity_};
      case At::capacity: asked_ = Step::capacity; return AskCapacity{&identity_};
      case At::admitted:
      case At::refused: return verdict();
    }
  }
}

Next Door::verdict() {
  decided_ = true;
  if (at_ == At::refused) return Verdict{std::unexpected(*refusal_)};
  return Verdict{Admission{identity_, times_}};
}

// The answers. Unexpected ones are ignored.

void Door::readiness(std::optional<Refusal> problem) {
  if (at_ != At::readiness) return;
  if (problem)
    refuse_as(std::move(*problem));
  else
    at_ = At::transport;
}

void Door::token(Result<Identity> identity) {
  if (at_ != At::token) return;
  if (!identity) return refuse_as(std::move(identity).error());
  identity_ = std::move(*identity);
  credential_.clear();
  at_ = At::revocation;
}

void Door::identity(Result<Identity> identity) {
  if (at_ != At::ticket && at_ != At::cookie) return;
  if (!identity) return refuse_as(std::move(identity).error());
  identity_ = std::move(*identity);
  credential_.clear();
  // The answer itself implies that it is valid, not revoked, and of an active user.
  for (const Step step : {Step::service_identity, Step::credential_valid, Step::revocation, Step::user}) examined(step);
  at_ = At::permission;
}

void Door::revocation(std::optional<Refusal> problem) {
  if (at_ != At::revocation) return;
  if (problem) return refuse_as(std::move(*problem));
  examined(Step::user);
  at_ = At::permission;
}

void Door::application(const Result<Consent>& answer, WallTime now) {
  if (at_ != At::application) return;
  if (!answer) return refuse_as(answer.error());
  if (answer->expires_at && *answer->expires_at != WallTime{} && *answer->expires_at <= now)
    return refuse_as(
        Refusal{.cause = Cause::APP_REFUSED, .evidence = "it set an end that has passed", .field = "expire_at"});
  answer->apply(identity_);
  if (check_permission())
    return refuse_as(Refusal{
        .cause = Cause::APP_REFUSED, .evidence = "it leaves neither chat:read nor chat:write", .field = "scope"});
  at_ = At::capacity;
}

void Door::capacity(std::optional<Refusal> problem) {
  if (at_ != At::capacity) return;
  if (problem)
    refuse_as(std::move(*problem));
  else
    at_ = At::admitted;
}

void Door::first_message(std::optional<std::string> token, std::optional<std::string> ticket) {
  if (at_ != At::first_message) return;
  if (token && token->empty()) token.reset();
  if (ticket && ticket->empty()) ticket.reset();
  if (!token && !ticket) return refuse_as(no_token("authenticate with neither token nor ticket"));
  if (token && ticket)
    return refuse_as(
        Refusal{.cause = Cause::AMBIGUOUS_CREDENTIALS, .evidence = "authenticate with a token and a ticket"});
  form_ = token ? Form::token : Form::ticket;
  credential_ = std::move(token ? *token : *ticket);
  at_ = At::credential_form;
}

void Door::first_message_other(std::string_view what) {
  if (at_ == At::first_message)
    refuse_as(no_token("the first message was not a usable authenticate: " + printable(what, 200)));
}

void Door::first_message_timeout() {
  if (at_ == At::first_message)
    refuse_as(Refusal{.cause = Cause::AUTHENTICATE_TIMEOUT, .evidence = "no message since the handshake"});
}

void Door::cannot_await(Refusal refusal) {
  if (at_ != At::first_message) return;
  upgraded_ = false;
  refuse_as(std::move(refusal));
}

// The steps.

std::optional<Refusal> Door::check_transport() const {
  const Request& request = *request_;
  if (socket_ == nullptr) return unknown_path(*policy_, request.path);
  if (!host_allowed(*policy_, request)) {
    const std::string* host = request.headers.find("Host");
    return Refusal{.cause = Cause::HOST_NOT_ALLOWED,
        .evidence = "Host: " + printable(host == nullptr ? "" : *host, 128),
        .field = "Host"};
  }
  if (auto problem = check_method(request)) return problem;
  if (auto problem = check_upgrade(request)) return problem;
  if (!origin_ok_)
    return Refusal{.cause = Cause::ORIGIN_NOT_ALLOWED,
        .evidence = "Origin: " + printable(request.headers.joined("Origin"), 128),
        .field = "Origin"};
  if (!has_origin_ && announces(request, "cookie") &&
      !wire::session_cookies(request.headers, {secure_, policy_->base_path}).empty())
    return Refusal{
        .cause = Cause::ORIGIN_REQUIRED, .evidence = "a session cookie without an Origin header", .field = "Origin"};
  return std::nullopt;
}

std::optional<Refusal> Door::check_subprotocol() {
  const auto offers = offered_subprotocols(*request_);
  if (offers.empty()) return std::nullopt;
  constexpr const char* kField = "Sec-WebSocket-Protocol";
  if (!std::ranges::all_of(offers, is_token_word))
    return Refusal{.cause = Cause::SUBPROTOCOL_MALFORMED,
        .evidence = "an offered subprotocol with a character that is not allowed",
        .field = kField};
  for (auto offer = offers.begin(); offer != offers.end(); ++offer)
    if (!looks_like_credential(*offer) && std::find(offers.begin(), offer, *offer) != offer)
      return Refusal{.cause = Cause::SUBPROTOCOL_MALFORMED,
          .evidence = "a subprotocol offered twice: " + printable(*offer, 64),
          .field = kField};
  if (only_credentials_)
    return Refusal{.cause = Cause::SUBPROTOCOL_MALFORMED,
        .evidence = "credentials offered as subprotocols, but no subprotocol that could be selected",
        .field = kField};
  if (std::ranges::find(socket_->subprotocols, refusal_echo_) == socket_->subprotocols.end()) {
    std::string seen;
    for (const auto offer : offers) {
      if (!seen.empty()) seen += ", ";
      seen += looks_like_credential(offer) ? std::string{"(a credential)"} : printable(offer, 64);
    }
    return Refusal{.cause = Cause::SUBPROTOCOL_UNSUPPORTED, .evidence = "offered: " + printable(seen), .field = kField};
  }
  selected_ = refusal_echo_;
  return std::nullopt;
}

std::optional<Refusal> Door::find_credential() {
  const Request& request = *request_;
  if (!policy_->token_in_url)
    for (const auto* name : {"token", "access_token"})
      if (!query_values(request, name).empty())
        return Refusal{.cause = Cause::TOKEN_IN_URL, .evidence = "a token in the query string", .field = name};

  auto all = find_credentials(request, policy_->token_in_url,
      announces(request, "cookie") ? wire::session_cookies(request.headers, {secure_, policy_->base_path})
                                   : std::vector<std::string>{});
  if (all.size() > 1) {
    std::string seen;
    for (const auto& found : all) seen += (seen.empty() ? "" : " and ") + std::string{found.where};
    return Refusal{.cause = Cause::AMBIGUOUS_CREDENTIALS, .evidence = "credentials in " + printable(seen)};
  }
  for (const std::string_view form : {"header", "subprotocol", "ticket", "cookie"}) {
    if (!announces(request, form) || (!all.empty() && all.front().where == form)) continue;
    std::string evidence = "announced with ?auth=" + std::string{form} +
        (all.empty() ? ", but no credential arrived" : ", but another arrived: " + std::string{all.front().where});
    if (form == "header")
      return Refusal{.cause = Cause::AUTH_HEADER_STRIPPED, .evidence = std::move(evidence), .field = "Authorization"};
    return no_token(std::move(evidence));
  }
  if (all.empty()) {
    if (policy_->first_message_auth && socket_->first_message) return std::nullopt;
    return no_token("a handshake without a credential");
  }
  auto& found = all.front();
  form_ = found.is_ticket ? Form::ticket : found.is_cookie ? Form::cookie : Form::token;
  credential_ = std::move(found.credential);
  malformed_ = std::move(found.malformed);
  return std::nullopt;
}

std::optional<Refusal> Door::check_form() const {
  if (malformed_) return malformed_;
  if (credential_.empty()) return bad_form("an empty credential", "");
  const std::size_t limit = form_ == Form::token ? policy_->max_token_bytes : kLongestTicket;
  if (credential_.size() > limit)
    return bad_form("a credential of " + std::to_string(credential_.size()) + " bytes; at most " +
            std::to_string(limit) + " are read",
        "");
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::ranges::all_of(credential_, visible))
    return bad_form("a credential with white space, control or non-ASCII characters", "");
  return std::nullopt;
}

std::optional<Refusal> Door::check_permission() const {
  if (!socket_->needs_chat_permission || identity_.permissions.chat_read || identity_.permissions.chat_write)
    return std::nullopt;
  return Refusal{
      .cause = Cause::PERMISSION_DENIED, .evidence = "a credential without the scope chat:read or chat:write"};
}

bool Door::refuse_by_close(const Refusal& refusal) const {
  if (upgraded_) return true;
  if (!upgrade_ok_ || !origin_ok_ || only_credentials_) return false;
  if (refusal.cause == Cause::SUBPROTOCOL_MALFORMED || refusal.info().close == 0) return false;
  switch (policy_->refuse_with) {
    case RefuseWith::http: return false;
    case RefuseWith::close: return true;
    case RefuseWith::automatic: return like_browser_;
  }
  return false;
}

void Door::decided(Step step, std::optional<Refusal> problem, At then, const Clock& clock) {
  charge(step, clock.mono());
  if (problem)
    refuse_as(std::move(*problem));
  else
    at_ = then;
}

void Door::refuse_as(Refusal refusal) {
  examined(refusal.step());
  refusal_ = std::move(refusal);
  at_ = At::refused;
  credential_.clear();
}

void Door::charge(Step step, MonoTime now) {
  examined(step);
  times_.spent[static_cast<std::size_t>(step)] += now - last_;
  last_ = now;
}

void Door::examined(Step step) {
  auto& spent = times_.spent[static_cast<std::size_t>(step)];
  spent = std::max(spent, std::chrono::nanoseconds{0});
}

} // namespace foyer::admission

// No handshake was accepted: who refused it, and why.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "doctor/describe.h"
#include "doctor/judge.h"
#include "doctor/lower.h"

namespace foyer::doctor {
namespace {

// What every rule looks at.
struct Refused {
  const Facts& facts;
  const Exchange& last; // of the handshakes, with everything that was asked for
  std::vector<std::string> seen;
  std::optional<Recognised> by;

  [[nodiscard]] bool is_by(Product product) const { return by && by->product == product; }
  [[nodiscard]] Diagnosis found(Finding finding, Confidence confidence) const {
    return diagnosis(facts, finding, confidence, seen);
  }
  [[nodiscard]] bool plain_passes() const { return facts.plain && facts.plain->is_http && facts.plain->status < 500; }
  // A server, not the proxy itself, answers plain requests.
  [[nodiscard]] bool pages_pass() const {
    const auto answers = [](const std::optional<Exchange>& each) {
      return each && each->is_http && each->status < 500;
    };
    return answers(facts.health) || answers(facts.plain);
  }
};

std::string header(const Exchange& each, std::string_view name) {
  const std::string* value = each.headers.find(name);
  return value == nullptr ? std::string{} : *value;
}

// A change of one thing that made the handshake succeed proves what was wrong.
std::optional<Diagnosis> by_variation(const Refused& refused) {
  for (const auto& each : refused.facts.variations) {
    if (!each.works) continue;
    Refused with = refused;
    with.seen.push_back(each.exchange.asked + ": " + describe(each.exchange));
    switch (each.what) {
      case Variation::What::spelling: return with.found(Finding::UPGRADE_NAME_CASE, Confidence::proved);
      case Variation::What::origin: return with.found(Finding::ORIGIN_FORBIDDEN, Confidence::proved);
      case Variation::What::repetition: return with.found(Finding::URL_DOUBLE_PATH, Confidence::proved);
      case Variation::What::slash: return with.found(Finding::URL_SLASH, Confidence::proved);
      case Variation::What::path: return with.found(Finding::PROXY_LOCATION_WITHOUT_UPGRADE, Confidence::proved);
    }
  }
  return std::nullopt;
}

// No HTTP came back, although a plain request is answered.
std::optional<Diagnosis> by_silence(const Refused& refused) {
  const Exchange& last = refused.last;
  if (last.is_http || last.ending == Ending::fault) return std::nullopt;
  if (!last.bytes.empty()) return refused.found(Finding::NOT_HTTP, Confidence::proved);
  if (last.ending == Ending::no_link) return refused.found(Finding::UPGRADE_REFUSED, Confidence::possible);
  if (last.ending == Ending::silent) return refused.found(Finding::UPGRADE_UNANSWERED, Confidence::proved);
  const auto failed = [](const std::optional<Exchange>& each) { return each && each->is_http && each->status >= 500; };
  if (failed(refused.facts.plain) || failed(refused.facts.health))
    return refused.found(Finding::BACKEND_GONE, Confidence::likely);
  return refused.found(Finding::UPGRADE_CUT, Confidence::proved);
}

std::optional<Diagnosis> by_redirect(const Refused& refused) {
  const Exchange& last = refused.last;
  if (last.status < 300 || last.status > 399) return std::nullopt;
  const std::string location = header(last, "Location");
  const std::string target = location.substr(0, location.find('?'));
  const wire::Url& url = refused.facts.url;
  const auto absolute = wire::parse_url(target);
  const std::string path = absolute ? absolute->path : target;
  const bool same_host = !absolute || absolute->host == url.host;
  const std::string words = lower(location);
  for (const std::string_view word :
      {"login", "signin", "sign_in", "sign-in", "oauth", "auth/", "sso", "saml", "/auth"})
    if (words.find(word) != std::string::npos && path != url.path)
      return refused.found(Finding::REDIRECT_LOGIN, Confidence::likely);
  if (same_host && absolute && absolute->scheme == "https" && url.scheme == "ws" && path == url.path)
    return refused.found(Finding::REDIRECT_TO_HTTPS, Confidence::proved);
  if (same_host && (path == url.path + "/" || path + "/" == url.path))
    return refused.found(Finding::REDIRECT_SLASH, Confidence::proved);
  if (!same_host && (last.status == 302 || last.status == 303 || last.status == 307))
    return refused.found(Finding::REDIRECT_LOGIN, Confidence::possible);
  return refused.found(Finding::REDIRECT_ELSEWHERE, Confidence::proved);
}

std::optional<Diagnosis> by_401(const Refused& refused) {
  if (refused.last.status != 401) return std::nullopt;
  const std::string challenge = lower(refused.last.headers.joined("WWW-Authenticate"));
  if (challenge.starts_with("basic") || challenge.starts_with("digest") || challenge.starts_with("negotiate"))
    return refused.found(Finding::PROXY_BASIC_AUTH, Confidence::proved);
  if (refused.facts.token_given) return judge_token(refused.facts, Confidence::proved, refused.seen);
  return refused.found(Finding::TOKEN_MISSING, Confidence::proved);
}

std::optional<Diagnosis> by_403(const Refused& refused) {
  if (refused.last.status != 403) return std::nullopt;
  if (refused.is_by(Product::envoy) && refused.last.body.empty() && refused.plain_passes() &&
      refused.facts.plain->status != 403)
    return refused.found(Finding::UPGRADE_NOT_ALLOWED_HERE, Confidence::proved);
  const std::string id = request_id(refused.last);
  if (refused.by && filters_requests(refused.by->product)) {
    Refused with = refused;
    if (!id.empty()) with.seen.push_back("the request's id in its log: " + id);
    return with.found(Finding::WAF_BLOCK, Confidence::likely);
  }
  if (refused.plain_passes() && refused.facts.plain->status != 403 && refused.facts.token_given)
    return judge_token(refused.facts, Confidence::possible, refused.seen);
  if (refused.plain_passes() && refused.facts.plain->status == 403)
    return refused.found(Finding::UPGRADE_FORBIDDEN, Confidence::likely);
  return refused.found(Finding::UPGRADE_FORBIDDEN, Confidence::possible);
}

std::optional<Diagnosis> by_404(const Refused& refused) {
  if (refused.last.status != 404 && refused.last.status != 410) return std::nullopt;
  if (refused.last.body.find("Not Found on Accelerator") != std::string::npos && refused.plain_passes() &&
      refused.facts.plain->status != 404)
    return refused.found(Finding::UPGRADE_NOT_ALLOWED_HERE, Confidence::proved);
  const bool plain_too = refused.facts.plain && refused.facts.plain->status == refused.last.status;
  return refused.found(Finding::PATH_404, plain_too ? Confidence::likely : Confidence::possible);
}

// Statuses by which a proxy says that it has no server to ask.
std::optional<Diagnosis> by_gateway(const Refused& refused) {
  const int status = refused.last.status;
  if (status == 504) return refused.found(Finding::PROXY_504, Confidence::likely);
  constexpr std::array kAnswer503 = {Product::haproxy, Product::varnish, Product::envoy, Product::squid,
      Product::apache, Product::lighttpd, Product::nghttpx, Product::aws_balancer};
  const bool own = std::ranges::any_of(kAnswer503, [&](Product each) { return refused.is_by(each); });
  const bool gone = status == 502 || (status == 503 && own) || (status == 500 && refused.is_by(Product::lighttpd));
  if (gone)
    return refused.pages_pass()
        ? refused.found(Finding::BACKEND_GONE_FOR_SOCKETS, Confidence::likely)
        : refused.found(Finding::BACKEND_GONE, status == 502 ? Confidence::proved : Confidence::likely);
  if (status == 503)
    return refused.found(
        Finding::SERVER_FULL, header(refused.last, "Retry-After").empty() ? Confidence::possible : Confidence::likely);
  if (status == 500 && refused.is_by(Product::nginx) && refused.pages_pass())
    return refused.found(Finding::AUTH_SUBREQUEST_ERROR, Confidence::possible);
  if (status >= 500 && status != 501 && status != 505)
    return refused.found(Finding::SERVER_ERROR, Confidence::possible);
  return std::nullopt;
}

std::optional<Diagnosis> by_page(const Refused& refused) {
  const Exchange& last = refused.last;
  if (last.status != 200 || lower(header(last, "Content-Type")).find("text/html") == std::string::npos)
    return std::nullopt;
  const std::string body = lower(last.body);
  if (body.find("type=\"password\"") != std::string::npos || body.find("type=password") != std::string::npos)
    return refused.found(Finding::LOGIN_PAGE_200, Confidence::likely);
  return refused.found(Finding::PATH_SPA_FALLBACK, Confidence::likely);
}

// The server says that it saw no upgrade, or answers as it does to a plain request.
std::optional<Diagnosis> by_stripping(const Refused& refused) {
  const Exchange& last = refused.last;
  const std::string versions = last.headers.joined("Sec-WebSocket-Version");
  if (last.status == 426 && !versions.empty() && versions.find("13") == std::string::npos)
    return refused.found(Finding::WS_VERSION_UNSUPPORTED, Confidence::proved);
  if (last.status == 426) return refused.found(Finding::PROXY_STRIPS_UPGRADE, Confidence::proved);
  const std::string words = lower(last.body);
  for (const std::string_view text : {"upgrade header", "connection header", "not a websocket", "can \"upgrade\" only",
           "upgrade\" only to \"websocket", "missing or invalid upgrade", "handshake only", "websocket upgrade"})
    if (words.find(text) != std::string::npos) return refused.found(Finding::PROXY_STRIPS_UPGRADE, Confidence::proved);
  const Exchange* plain = refused.facts.plain ? &*refused.facts.plain : nullptr;
  const bool same = plain != nullptr && plain->status == last.status && plain->body == last.body;
  if (same && (last.status == 200 || last.status == 400 || last.status == 405))
    return refused.found(Finding::PROXY_STRIPS_UPGRADE, Confidence::likely);
  return std::nullopt;
}

std::optional<Diagnosis> by_status(const Refused& refused) {
  const int status = refused.last.status;
  if (status == 421) return refused.found(Finding::VHOST_UNKNOWN, Confidence::proved);
  if (status == 429) return refused.found(Finding::TOO_MANY_HANDSHAKES, Confidence::proved);
  if (status == 431 || status == 414) return refused.found(Finding::HEADERS_TOO_LARGE_AT_HOP, Confidence::likely);
  if (status == 400 || status == 404 || status == 200 || status == 501 || status == 505 || status == 405)
    return refused.found(Finding::UPGRADE_REFUSED, Confidence::possible);
  return std::nullopt;
}

} // namespace

std::optional<Diagnosis> judge_refusal(const Facts& facts) {
  const Exchange* last = facts.last();
  if (last == nullptr || facts.accepted() != nullptr || last->ending == Ending::fault) return std::nullopt;
  const Refused refused{
      .facts = facts, .last = *last, .seen = {last->asked + ": " + describe(*last)}, .by = recognise(*last)};
  // A rule on the way that knows one spelling: Foyer says that the upgrade was stripped, which is true and less.
  const auto respelled = [](const Variation& each) { return each.what == Variation::What::spelling && each.works; };
  if (!std::ranges::any_of(facts.variations, respelled))
    if (auto named = named_by_foyer(facts, *last)) return named;
  constexpr std::array kRules = {
      by_silence, by_variation, by_redirect, by_401, by_403, by_page, by_stripping, by_404, by_gateway, by_status};
  for (const auto rule : kRules)
    if (auto found = rule(refused)) return found;
  return refused.found(Finding::UPGRADE_REFUSED, Confidence::possible);
}

} // namespace foyer::doctor

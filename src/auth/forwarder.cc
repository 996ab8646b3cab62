#include "auth/forwarder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "auth/answer.h"
#include "auth/contract/messages.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/limit_metrics.h"
#include "wire/problem.h"

namespace foyer::auth {
namespace {

// Hop-by-hop headers (RFC 9110 §7.6.1), besides those that Connection lists.
constexpr std::array<std::string_view, 9> kHopByHop = {"Connection", "Keep-Alive", "Proxy-Connection",
    "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade"};

bool one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(names, [name](std::string_view each) { return iequals(each, name); });
}

bool begins(std::string_view name, std::string_view with) {
  return name.size() >= with.size() && iequals(name.substr(0, with.size()), with);
}

std::vector<std::string> connection_lists(const Headers& headers) {
  std::vector<std::string> out;
  const std::string all = headers.joined("Connection");
  std::string_view rest = all;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    std::string_view word = rest.substr(0, comma);
    while (word.starts_with(' ') || word.starts_with('\t')) word.remove_prefix(1);
    while (word.ends_with(' ') || word.ends_with('\t')) word.remove_suffix(1);
    if (!word.empty()) out.emplace_back(word);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return out;
}

bool stays_here(std::string_view name, const std::vector<std::string>& listed) {
  return one_of(kHopByHop, name) ||
      std::ranges::any_of(listed, [name](const std::string& each) { return iequals(each, name); });
}

// The client's headers, without those that only the gateway may set: signer, person, and the person's address.
Headers request_headers(const Headers& from) {
  constexpr std::array<std::string_view, 5> kOurs = {"Host", "Content-Length", "Expect", "Forwarded", "X-Real-IP"};
  const auto listed = connection_lists(from);
  Headers out;
  for (const Header& header : from.list()) {
    if (stays_here(header.name, listed) || one_of(kOurs, header.name)) continue;
    // The address in a forward-auth proxy's header is no claim about the person: it contains what the person sent.
    const bool asked_for = iequals(header.name, "X-Forwarded-Uri");
    if (begins(header.name, "X-Service-") || begins(header.name, "X-Foyer-") ||
        (begins(header.name, "X-Forwarded-") && !asked_for))
      continue;
    out.add(header.name, header.value);
  }
  return out;
}

// X-Foyer and Date of the answer are the gateway's own, with the ref that the person sees.
Headers answer_headers(const Headers& from) {
  constexpr std::array<std::string_view, 3> kOurs = {"Content-Length", "Date", "X-Foyer"};
  const auto listed = connection_lists(from);
  Headers out;
  for (const Header& header : from.list())
    if (!stays_here(header.name, listed) && !one_of(kOurs, header.name) && !begins(header.name, "X-Service-"))
      out.add(header.name, header.value);
  return out;
}

// A refusal by the auth service, for the operator's ring at the gateway.
std::optional<Refusal> refusal_in(const Response& response, std::string_view what) {
  if (response.status < 400) return std::nullopt;
  const auto body = json::parse(response.body);
  if (!body || !body->is_object()) return std::nullopt;
  auto refusal = decode_refusal(body->as_object());
  if (refusal && refusal->evidence.empty())
    refusal->evidence = fmt::format("the auth service answered {} with {}", what, response.status);
  return refusal;
}

} // namespace

struct Forwarder::State : std::enable_shared_from_this<State> {
  State(Context a, const ServiceIdentity& i, ForwardPolicy p, OnRefusal r)
      : around(a),
        identity(i),
        policy(p),
        on_refusal(std::move(r)),
        meter(a.metrics, "forwarded", p.in_flight),
        passed(a.metrics.counter(
            "foyer_forwarded_total", "Requests forwarded to the auth service.", {{"outcome", "answered"}})),
        refused(a.metrics.counter(
            "foyer_forwarded_total", "Requests forwarded to the auth service.", {{"outcome", "refused"}})) {}

  Context around;
  const ServiceIdentity& identity;
  const ForwardPolicy policy;
  const OnRefusal on_refusal;
  LimitMeter meter;
  Counter& passed;
  Counter& refused;
  std::size_t in_flight = 0;

  struct Forwarded { // one request, without its body and its query
    Request request;
    Reply reply;
    std::string what;
  };
  void forward(Request request, Reply reply);
  void answer(const std::shared_ptr<Forwarded>& forwarded, client::HttpResult result);
  void refuse_with(const Request& request, Reply& reply, const Refusal& refusal);
  [[nodiscard]] bool our_own(const Request& request) const;
};

void Forwarder::State::refuse_with(const Request& request, Reply& reply, const Refusal& refusal) {
  refused.add();
  if (on_refusal) on_refusal(request, refusal);
  reply(wire::problem(refusal, request.ref, policy.reveal));
}

// Our own signature comes back: AUTH_SERVICE_URL points here, perhaps through a proxy.
bool Forwarder::State::our_own(const Request& request) const {
  const auto claim = read_claim(request);
  return claim && claim->id == identity.id() && signed_with(request, *claim, identity.key());
}

void Forwarder::State::forward(Request request, Reply reply) {
  const std::string what = fmt::format("{} {}", printable(request.method, 16), printable(request.path, 128));
  if (our_own(request))
    return refuse_with(request, reply,
        {.cause = Cause::INVALID_RESPONSE_FORMAT,
            .evidence = fmt::format(
                "{}: this gateway received its own forwarded request; AUTH_SERVICE_URL is its own address", what)});
  // The router accepts any Host for this name; a caller that names a service must prove it to the auth service itself.
  if (request.headers.find(kServiceIdHeader) != nullptr)
    return refuse_with(request, reply,
        {.cause = Cause::SERVICE_UNKNOWN,
            .evidence = fmt::format("{}: {} from another sender than this gateway; a gateway has no services, which "
                                    "must call the auth service directly",
                what, kServiceIdHeader),
            .field = std::string(kServiceIdHeader)});
  if (request.body.size() > policy.body_bytes)
    return refuse_with(request, reply,
        {.cause = Cause::BODY_TOO_LARGE,
            .evidence =
                fmt::format("{}: {} bytes; at most {} are forwarded", what, request.body.size(), policy.body_bytes)});
  if (in_flight >= policy.in_flight) {
    meter.refused();
    return refuse_with(request, reply,
        {.cause = Cause::BUSY,
            .evidence = fmt::format("{}: {} requests are already waiting for the auth service", what, in_flight),
            .retry_after = Millis{1'000}});
  }
  // HEAD is forwarded as GET: the response writer omits the body, and knows its length.
  Call call{.method = request.method == "HEAD" ? "GET" : request.method,
      .target = request.query.empty() ? request.path : request.path + '?' + request.query,
      .headers = request_headers(request.headers),
      .body = std::move(request.body)};
  call.connect_timeout = policy.connect_timeout;
  call.timeout = policy.deadline;
  // Without an address the auth service would treat it as the gateway's own request.
  const std::string_view address =
      request.address.empty() ? std::string_view{"unknown"} : std::string_view{request.address};
  identity.sign(call.headers, call.method, call.target, call.body,
      {.address = address, .ref = request.ref.view(), .origin = request.origin_url}, around.clock.wall(),
      around.entropy);
  request.body.clear();
  request.query.clear();
  auto forwarded = std::make_shared<Forwarded>(Forwarded{std::move(request), std::move(reply), what});
  meter.used(++in_flight);
  around.transport.send(std::move(call), [weak = weak_from_this(), forwarded](client::HttpResult result) {
    if (const auto self = weak.lock()) self->answer(forwarded, std::move(result));
  });
}

void Forwarder::State::answer(const std::shared_ptr<Forwarded>& forwarded, client::HttpResult result) {
  meter.used(--in_flight);
  if (!result || result->headers.find("X-Foyer") == nullptr) {
    auto read = read_answer(result, forwarded->what);
    const Refusal fault = read
        ? Refusal{.cause = Cause::INVALID_RESPONSE_FORMAT,
              .evidence = fmt::format("{}: answered by something that is not Foyer", forwarded->what)}
        : std::move(read.error().refusal);
    return refuse_with(forwarded->request, forwarded->reply, fault);
  }
  const auto refusal = refusal_in(*result, forwarded->what);
  // The gateway itself was refused: report it as ours, with the ref under which it is found here.
  if (refusal && refusal->step() == Step::service_identity)
    return refuse_with(forwarded->request, forwarded->reply, *refusal);
  passed.add();
  if (refusal && on_refusal) on_refusal(forwarded->request, *refusal);
  result->headers = answer_headers(result->headers);
  forwarded->reply(std::move(*result));
}

Forwarder::Forwarder(Context around, const ServiceIdentity& identity, ForwardPolicy policy, OnRefusal on_refusal)
    : state_(std::make_shared<State>(around, identity, policy, std::move(on_refusal))) {}

Handler Forwarder::handler() {
  return [desk = state_](Request request, Reply reply) { desk->forward(std::move(request), std::move(reply)); };
}

// The auth service decides which of them exist; a path has at most four segments below its root.
std::vector<Route> Forwarder::routes() {
  std::vector<Route> out;
  for (const std::string_view root : {"/auth", "/oauth2", "/.well-known"}) {
    std::string path(root);
    for (const std::string_view more : {"/{a}", "/{b}", "/{c}", "/{d}"}) {
      path += more;
      for (const std::string_view method : {"GET", "POST", "PUT", "PATCH", "DELETE"})
        out.push_back({std::string(method), path, handler()});
    }
  }
  return out;
}

} // namespace foyer::auth

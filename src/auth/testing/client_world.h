// For tests of code that calls the auth service: timers and a network in virtual time.
//
//   World world;
//   world.server.next = {Fault::hang, Fault::status_503};   // then `always`
//   world.pass(Millis{700});                                 // runs everything that is due, in order
//
// The network fails in the given way and phase; the
// server behind it reads the request and checks its signature.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "auth/contract/messages.h"
#include "auth/contract/signature.h"
#include "auth/transport.h"
#include "base/clock.h"
#include "base/manual_executor.h"
#include "wire/problem.h"

namespace foyer::auth::testing_world {

// The result of one attempt, caused by the network or whatever is at the address.
enum class Weather : std::uint8_t {
  fine, // the server answers
  slow, // … after 300 ms
  // connecting
  refused,
  no_name,
  bad_certificate,
  no_connection,
  // waiting for the first byte
  reset_waiting,
  hang_waiting,
  // reading
  truncated,
  hang_reading,
  // something else answers
  status_500,
  status_502,
  status_503,
  status_504,
  html,
  redirect,
  wrong_json,
  half_json,
  foreign_json,
  empty,
  gateway,
  not_found,
  // the auth service itself
  busy,
  store_full,
  unknown_code,
  wrong_secret,
  clock_off, // decided by the real signature and the real time
};

struct WeatherRow {
  Weather weather;
  std::string_view name; // in scenarios
  std::string_view phase;
  Cause cause; // of one attempt
  bool transient;
  bool counts;
  std::string_view evidence = {};
};
inline const std::vector<WeatherRow>& all_weathers() {
  using W = Weather;
  static const std::vector<WeatherRow> rows = {
      {W::refused, "refuses connections", "connecting", Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true,
          "connecting: cannot connect"},
      {W::no_name, "has no address", "connecting", Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true,
          "connecting: no address"},
      {W::bad_certificate, "shows a bad certificate", "connecting", Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true,
          "connecting: the TLS handshake"},
      {W::no_connection, "accepts no connection", "connecting", Cause::AUTH_SERVICE_TIMEOUT, true, true,
          "connecting: no connection"},
      {W::reset_waiting, "resets", "waiting", Cause::AUTH_SERVICE_CONNECTION_ERROR, true, true,
          "waiting: Connection reset"},
      {W::hang_waiting, "hangs", "waiting", Cause::AUTH_SERVICE_TIMEOUT, true, true, "waiting: no byte"},
      {W::truncated, "truncates", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true,
          "reading: the connection was closed within"},
      {W::hang_reading, "stalls", "reading", Cause::AUTH_SERVICE_TIMEOUT, true, true, "reading: no whole answer"},
      {W::status_500, "answers 500", "reading", Cause::AUTH_SERVICE_NOT_AVAILABLE, false, true},
      {W::status_502, "answers 502", "reading", Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true,
          "answered 502 with an HTML page"},
      {W::status_503, "answers 503", "reading", Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true, "no X-Foyer"},
      {W::status_504, "answers 504", "reading", Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true, "answered 504"},
      {W::html, "answers HTML", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true, "an HTML page"},
      {W::redirect, "redirects", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true, "a redirect to login.example"},
      {W::wrong_json, "answers wrong JSON", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true,
          "does not answer this call"},
      {W::half_json, "answers half of the JSON", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true,
          "that is not valid JSON"},
      {W::foreign_json, "is another server", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true, "no X-Foyer"},
      {W::empty, "answers nothing", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true, "an empty body"},
      {W::gateway, "is a gateway", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true, "without the auth role"},
      {W::not_found, "answers 404", "reading", Cause::INVALID_RESPONSE_FORMAT, true, true,
          "answered 404 with text/plain"},
      {W::busy, "is busy", "reading", Cause::BUSY, false, false},
      {W::store_full, "has a full disk", "reading", Cause::STORE_FULL, false, false},
      {W::unknown_code, "speaks a newer version", "reading", Cause::AUTH_SERVICE_NOT_AVAILABLE, true, true,
          "by a Foyer"},
      {W::wrong_secret, "has another secret", "reading", Cause::SERVICE_SECRET_REJECTED, false, false},
      {W::clock_off, "has a wrong clock", "reading", Cause::SERVICE_REQUEST_EXPIRED, false, false},
  };
  return rows;
}

inline constexpr std::string_view kServiceSecret = "a-service-secret-of-the-virtual-world-of-good-length";

class VirtualServer final : public Transport {
 public:
  // Answers a call whose signature was checked; may answer later.
  using Reply = client::HttpCompletion;
  using Serve = std::function<void(const Request&, Reply)>;

  VirtualServer(ManualClock& clock, Executor& control)
      : clock_(clock),
        control_(control),
        key_(service_key(kServiceSecret)) {}

  std::deque<Weather> next;       // of the next attempts
  std::string next_for;           // … at this target only, if not empty
  Weather always = Weather::fine; // of all others
  Millis round_trip{2};           // of an answer in fine weather
  Serve serve;
  bool sign_answers = true;   // false: an older one, or a third party
  std::vector<Request> seen;  // requests that arrived completely, in order
  std::uint64_t attempts = 0; // also those that never arrived

  void send(Call call, client::HttpCompletion done) override {
    ++attempts;
    Weather weather = always;
    if (!next.empty() && (next_for.empty() || call.target == next_for)) {
      weather = next.front();
      next.pop_front();
    }
    // A deadline of its own, like the real transport.
    auto shared = std::make_shared<client::HttpCompletion>(std::move(done));
    happen(weather, call, [shared](client::HttpResult result) {
      if (auto once = std::exchange(*shared, nullptr)) once(std::move(result));
    });
  }

  static Response json(int status, const json::Object& object) {
    return {.status = status,
        .headers = {{"X-Foyer", "1; build=b; ref=its-ref"}, {"Content-Type", "application/json"}},
        .body = foyer::json::write(object)};
  }
  static Response problem(const Refusal& refusal) {
    Response response = wire::problem(refusal, Ref{"its-ref"}, false);
    response.headers.add("X-Foyer", "1; build=b; ref=its-ref");
    return response;
  }

 private:
  using Once = std::function<void(client::HttpResult)>;

  void happen(Weather weather, const Call& call, const Once& once) {
    using Phase = client::NetError::Phase;
    using Kind = client::NetError::Kind;
    const Headers ours{{"X-Foyer", "1; build=b; ref=r"}, {"Content-Type", "application/json"}};
    const Headers plain{{"Content-Type", "application/json"}};
    switch (weather) {
      case Weather::fine: return arrive(call, once, round_trip, key_);
      case Weather::slow: return arrive(call, once, Millis{300}, key_);
      case Weather::refused:
        return fail(once, round_trip, Kind::connect, "cannot connect to auth:8001: Connection refused");
      case Weather::no_name: return fail(once, round_trip, Kind::resolve, "no address for auth: Host not found");
      case Weather::bad_certificate:
        return fail(once, round_trip, Kind::tls, "the TLS handshake with auth:8001 failed: certificate has expired");
      case Weather::no_connection:
        return fail(once, call.connect_timeout, Kind::timeout, "no connection to auth:8001 in time");
      // From here on the server received the call; its answer is lost.
      case Weather::reset_waiting:
        return arrive(call, once, {}, key_),
               fail(once, round_trip, Kind::closed, "Connection reset by peer", Phase::waiting);
      case Weather::hang_waiting:
        return arrive(call, once, {}, key_),
               fail(once, call.timeout, Kind::timeout, "no byte of an answer in time", Phase::waiting);
      case Weather::truncated:
        return arrive(call, once, {}, key_),
               fail(once, round_trip, Kind::protocol, "the connection was closed within the answer's body",
                   Phase::reading);
      case Weather::hang_reading:
        return arrive(call, once, {}, key_),
               fail(once, call.timeout, Kind::timeout, "no whole answer in time", Phase::reading);
      case Weather::status_500: return answer(once, 500, {}, "");
      case Weather::status_502: return answer(once, 502, {{"Content-Type", "text/html"}}, "<html>");
      case Weather::status_503: return answer(once, 503, {}, "");
      case Weather::status_504: return answer(once, 504, {}, "");
      case Weather::html: return answer(once, 200, {{"Content-Type", "text/html"}}, "<!doctype html>");
      case Weather::redirect: return answer(once, 302, {{"Location", "https://login.example/?next=1"}}, "");
      case Weather::wrong_json: return answer(once, 200, ours, R"({"ok":true})");
      case Weather::half_json: return answer(once, 200, ours, R"({"valid":)");
      case Weather::foreign_json: return answer(once, 200, plain, R"({"valid":true,"identity":{}})");
      case Weather::empty: return answer(once, 200, ours, "");
      case Weather::not_found: return answer(once, 404, {{"Content-Type", "text/plain"}}, "not found");
      case Weather::gateway: return problem({.cause = Cause::UNKNOWN_PATH}, once);
      case Weather::busy: return problem({.cause = Cause::BUSY, .retry_after = Millis{3'000}}, once);
      case Weather::store_full: return problem({.cause = Cause::STORE_FULL}, once);
      case Weather::unknown_code:
        return answer(once, 503, {{"X-Foyer", "9"}, {"Content-Type", "application/problem+json"}},
            R"({"code":"NOT_YET_INVENTED"})");
      case Weather::wrong_secret: return arrive(call, once, round_trip, service_key("another secret"));
      case Weather::clock_off: return arrive(call, once, round_trip, key_, Millis{3'600'000});
    }
  }

  void fail(const Once& once, Millis in, client::NetError::Kind kind, std::string what,
      client::NetError::Phase phase = client::NetError::Phase::connecting) {
    control_.after(in, [once, kind, phase, what = std::move(what)] {
      once(std::unexpected(client::NetError{.kind = kind, .what = what, .phase = phase}));
    });
  }

  void answer(const Once& once, int status, Headers headers, std::string body) {
    control_.after(round_trip,
        [once, response = Response{.status = status, .headers = std::move(headers), .body = std::move(body)}] {
      once(response);
    });
  }

  void problem(const Refusal& refusal, const Once& once) {
    control_.after(round_trip, [once, response = problem(refusal)] { once(response); });
  }

  // `takes`: round trip; nullopt: the answer is lost.
  void arrive(const Call& call, const Once& once, std::optional<Millis> takes, const std::string& key,
      Millis clock_off = Millis{0}) {
    if (takes)
      control_.after(call.timeout, [once] {
        once(std::unexpected(client::NetError{.kind = client::NetError::Kind::timeout,
            .what = "no byte of an answer in time",
            .phase = client::NetError::Phase::waiting}));
      });
    Request request;
    request.method = call.method;
    const auto mark = call.target.find('?');
    request.path = call.target.substr(0, mark);
    if (mark != std::string::npos) request.query = call.target.substr(mark + 1);
    request.headers = call.headers;
    request.body = call.body;
    control_.after(round_trip / 2, [this, once, takes, key, clock_off, request = std::move(request)] {
      seen.push_back(request);
      const std::string* nonce = request.headers.find(kServiceNonceHeader);
      const std::string* id = request.headers.find(kServiceIdHeader);
      Reply reply = [this, once, takes, key, id = id ? *id : "", nonce = nonce ? *nonce : ""](
                        client::HttpResult result) {
        if (result && sign_answers)
          result->headers.set(kAnswerSignatureHeader, sign_answer(key, id, nonce, result->status, result->body));
        if (takes) control_.after(*takes - round_trip / 2, [once, result = std::move(result)] { once(result); });
      };
      if (auto refusal = distrust(request, key, clock_off)) return reply(problem(*refusal));
      if (serve) return serve(request, std::move(reply));
      reply(problem({.cause = Cause::NOT_FOUND}));
    });
  }

  // A minimal registry of services.
  std::optional<Refusal> distrust(const Request& request, const std::string& key, Millis clock_off) {
    const auto claim = read_claim(request);
    if (!claim) return claim.error();
    if (!signed_with(request, *claim, key)) return Refusal{.cause = Cause::SERVICE_SECRET_REJECTED};
    const Millis differs{unix_millis(clock_.wall() + clock_off) - claim->time_ms};
    if (std::chrono::abs(differs) > kRequestWindow) return Refusal{.cause = Cause::SERVICE_REQUEST_EXPIRED};
    if (!nonces_.insert(claim->nonce).second) return Refusal{.cause = Cause::SERVICE_REQUEST_REPLAYED};
    return std::nullopt;
  }

  ManualClock& clock_;
  Executor& control_;
  std::string key_;
  std::set<std::string> nonces_;
};

} // namespace foyer::auth::testing_world

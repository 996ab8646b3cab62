#include "doctor/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "base/json.h"
#include "doctor/describe.h"

namespace foyer::doctor {
namespace {

using Status = Rung::Status;

constexpr Millis kAfterHold{6'000}; // to ping, and to close
constexpr Millis kDirectTime{8'000};
constexpr std::size_t kBigMessage = 32 * 1024; // more than the buffers of proxies, usually 4 to 16 KiB

std::string own_origin(const wire::Url& url) {
  wire::Url page = url;
  page.scheme = url.scheme == "wss" ? "https" : "http";
  return page.origin();
}

Status status_of(Ending ending, bool passed) {
  if (passed) return Status::passed;
  return ending == Ending::fault ? Status::broken : Status::failed;
}

} // namespace

std::string health_path(std::string_view socket_path) {
  for (const std::string_view end : {"/ws/chat", "/ws/echo"})
    if (socket_path.ends_with(end))
      return std::string{socket_path.substr(0, socket_path.size() - end.size())} + "/health/live";
  return "/";
}

std::vector<OtherPath> other_paths(const std::string& path) {
  using What = Variation::What;
  std::vector<OtherPath> out;
  const auto add = [&](What what, std::string other) {
    if (other != path && std::ranges::find(out, other, &OtherPath::path) == out.end())
      out.push_back({what, std::move(other)});
  };
  std::string single;
  for (const char c : path)
    if (c != '/' || !single.ends_with('/')) single += c;
  add(What::repetition, single);
  // "/ws/ws/chat" → "/ws/chat": a segment that is followed by itself.
  for (std::size_t at = 0; at < single.size();) {
    const auto end = std::min(single.find('/', at + 1), single.size());
    const std::string segment = single.substr(at, end - at);
    if (segment.size() > 1 && std::string_view(single).substr(end).starts_with(segment))
      add(What::repetition, single.substr(0, at) + single.substr(end));
    at = end;
  }
  if (path.ends_with('/') && path.size() > 1) add(What::slash, path.substr(0, path.size() - 1));
  if (!path.ends_with('/')) add(What::slash, path + '/');
  add(What::path, "/");
  add(What::path, "/ws");
  return out;
}

Ladder::Ladder(const Ask& ask, Entropy& entropy, const Clock& clock)
    : ask_(ask),
      entropy_(entropy),
      clock_(clock),
      prober_(entropy, Deadline(clock, kRunTime)) {
  facts_.url = ask.url;
  facts_.url.query.clear();
  facts_.origin_given = ask.origin.has_value();
  facts_.token_given = !ask.token.empty();
  if (facts_.token_given) facts_.token_look = look_at_token(ask.token);
  facts_.ca_given = !ask.ca_file.empty();
  facts_.hold_asked = ask.hold;
  facts_.now = clock.wall();
  place_.port = ask.url.port;
  place_.tls = ask.url.scheme == "wss";
  place_.name = ask.url.host;
  place_.authority = ask.url.authority();
  place_.ca_file = ask.ca_file;
  handshake_ = plain_ask(ask.url.path);
  handshake_.query = ask.url.query;
  handshake_.upgrade = true;
}

Facts Ladder::climb() {
  if (find_name() && find_address() && secure() && ask_plainly()) shake_hands();
  if (ask_.direct) ask_directly();
  return std::move(facts_);
}

void Ladder::add(RungId id, Status status, Took took, std::string evidence) {
  facts_.rungs.push_back({.id = id, .status = status, .took = took, .evidence = std::move(evidence)});
}

void Ladder::add(RungId id, const Exchange& exchange, bool passed) {
  add(id, status_of(exchange.ending, passed), exchange.took, describe(exchange));
}

// Everything above: it could not pass either.
void Ladder::skip_after(RungId failed) {
  for (auto at = static_cast<std::size_t>(facts_.rungs.back().id) + 1; at < kRungs; ++at) {
    const auto id = static_cast<RungId>(at);
    if ((id == RungId::token && ask_.token.empty()) || (id == RungId::subprotocol && ask_.subprotocols.empty()) ||
        (id == RungId::repeat && ask_.repeat == 0) || (id == RungId::hold && !ask_.hold) ||
        (id == RungId::tls && !place_.tls) || id == RungId::direct ||
        ((id == RungId::auth || id == RungId::big) && (ask_.token.empty() || !talks_to_foyer())))
      continue;
    add(id, Status::skipped, {}, {});
    facts_.rungs.back().because = failed;
  }
}

HttpAsk Ladder::plain_ask(const std::string& path) const { return {.path = path}; }

bool Ladder::find_name() {
  if (wire::is_ip_literal(ask_.url.host)) {
    facts_.name.addresses = {ask_.url.host};
    return true;
  }
  facts_.name = prober_.name(ask_.url.host);
  const bool found = facts_.name.result == NameFacts::Result::found;
  const bool broken = facts_.name.result == NameFacts::Result::fault;
  add(RungId::dns,
      found        ? Status::passed
          : broken ? Status::broken
                   : Status::failed,
      facts_.name.took, describe(facts_.name));
  if (!found) skip_after(RungId::dns);
  return found;
}

bool Ladder::find_address() {
  facts_.connects = prober_.connect(facts_.name.addresses, place_.port);
  const auto connected = std::ranges::find(facts_.connects, ConnectFacts::Result::connected, &ConnectFacts::result);
  const bool found = connected != facts_.connects.end();
  const bool broken =
      std::ranges::all_of(facts_.connects, [](const auto& each) { return each.result == ConnectFacts::Result::fault; });
  Took took{};
  for (const auto& each : facts_.connects) took = std::max(took, each.took);
  add(RungId::tcp,
      found        ? Status::passed
          : broken ? Status::broken
                   : Status::failed,
      found ? connected->took : took, describe(facts_.connects, place_.port));
  if (!found) return skip_after(RungId::tcp), false;
  facts_.address = place_.address = connected->address;
  return true;
}

bool Ladder::secure() {
  if (!place_.tls) return true;
  const TlsAsk ask{.name = place_.name, .ca_file = place_.ca_file};
  facts_.tls = prober_.tls(place_, ask);
  const TlsFacts& tls = *facts_.tls;
  const bool done = tls.result == TlsFacts::Result::done;
  const bool broken = tls.result == TlsFacts::Result::fault;
  const bool good = done && tls.verify_errors.empty();
  add(RungId::tls, good ? Status::passed : broken ? Status::broken : Status::failed, tls.took, describe(tls));
  if (!done) {
    look_beside_tls();
    skip_after(RungId::tls);
    return false;
  }
  if (!wire::is_ip_literal(place_.name)) {
    TlsAsk nameless = ask;
    nameless.send_name = false;
    facts_.tls_nameless = prober_.tls(place_, nameless);
  }
  return true; // a browser stops at a bad certificate; the doctor goes on and sees what else there is
}

// Why there is no TLS: because the port speaks plain HTTP, or TLS of another age.
void Ladder::look_beside_tls() {
  if (facts_.tls->result == TlsFacts::Result::fault) return;
  if (facts_.tls->alert == 0) {
    Place plain = place_;
    plain.tls = false;
    facts_.plain_on_tls = prober_.exchange(plain, plain_ask("/"));
    return;
  }
  facts_.tls_old = prober_.tls(place_, {.name = place_.name, .old_versions = true, .ca_file = place_.ca_file});
}

bool Ladder::ask_plainly() {
  // At the same time: a proxy without its server may need seconds for each.
  auto health = std::async(
      std::launch::async, [this] { return prober_.exchange(place_, plain_ask(health_path(ask_.url.path))); });
  facts_.plain = prober_.exchange(place_, plain_ask(ask_.url.path));
  facts_.health = health.get();
  add(RungId::health, *facts_.health, facts_.health->is_http && facts_.health->status < 500);
  add(RungId::plain, *facts_.plain, facts_.plain->is_http && facts_.plain->status < 500);
  const bool answered = facts_.health->is_http || facts_.plain->is_http;
  // A plain request to a TLS port is answered with an alert, with an end, or with an error and words.
  const auto refused = [](const Exchange& each) { return !each.is_http || each.status == 400 || each.status == 501; };
  if (!place_.tls && refused(*facts_.health) && refused(*facts_.plain))
    facts_.tls_on_plain = prober_.tls(place_, {.name = place_.name, .ca_file = place_.ca_file});
  const bool needs_tls = facts_.tls_on_plain && facts_.tls_on_plain->result == TlsFacts::Result::done;
  if (answered && !needs_tls) return true;
  skip_after(RungId::plain);
  return false;
}

// One more thing at each rung. What was accepted before and is refused now ends it: the difference is the cause.
void Ladder::shake_hands() {
  if (shake_hands(RungId::upgrade, facts_.bare)) {
    handshake_.origin = ask_.origin.value_or(own_origin(ask_.url));
    bool going = shake_hands(RungId::origin, facts_.origin);
    if (going && !ask_.token.empty()) {
      handshake_.token = ask_.token;
      // Foyer then says itself that a header which was announced did not arrive.
      if (talks_to_foyer()) handshake_.query += handshake_.query.empty() ? "auth=header" : "&auth=header";
      going = shake_hands(RungId::token, facts_.token);
    }
    if (going && !ask_.subprotocols.empty()) {
      handshake_.subprotocols = ask_.subprotocols;
      going = shake_hands(RungId::subprotocol, facts_.subprotocol);
    }
    if (going && facts_.accepted() == facts_.last()) {
      handshake_.deflate = true;
      (void)shake_hands(RungId::deflate, facts_.deflate);
    }
  }
  if (facts_.accepted() == nullptr) {
    skip_after(facts_.rungs.back().id);
    return vary();
  }
  if (facts_.accepted() != facts_.last()) return skip_after(facts_.rungs.back().id);
  converse();
}

// Whether to go on: not after a silence or a gateway's error, and not after a refusal of what was accepted without the
// new thing.
bool Ladder::shake_hands(RungId rung, std::optional<Exchange>& into) {
  const bool accepted_before = facts_.accepted() != nullptr;
  into = prober_.exchange(place_, handshake_);
  add(rung, *into, into->upgraded());
  if (into->ending == Ending::fault) return into.reset(), false; // it says nothing about the server
  return into->upgraded() || (!accepted_before && into->is_http && into->status != 101 && into->status < 500);
}

bool Ladder::vary(Variation::What what, std::string value, const HttpAsk& ask) {
  Upgraded seen = prober_.talk(place_, ask, {});
  const bool works =
      seen.exchange.upgraded() && seen.talk && !seen.talk->close_before_ours && seen.talk->broken.empty();
  facts_.variations.push_back({what, std::move(value), std::move(seen.exchange), works});
  return works;
}

void Ladder::vary() {
  if (facts_.last() == nullptr) return;
  const Exchange refused = *facts_.last();
  const int status = refused.status;
  const bool unrouted = status == 404 || status == 400 || status == 405; // such an answer may be about the path
  const bool unseen = unrouted || status == 426 || status == 200 || status == 403 || status == 501; // or the upgrade
  if (!refused.is_http || !unseen) return;
  HttpAsk other = handshake_;
  other.upgrade_word = "WebSocket";
  if (vary(Variation::What::spelling, other.upgrade_word, other)) return;
  if (refused.from_foyer()) return; // it has named the cause itself
  other = handshake_;
  other.origin = own_origin(ask_.url);
  if (status == 403 && ask_.origin && other.origin != handshake_.origin &&
      vary(Variation::What::origin, *other.origin, other))
    return;
  if (!unrouted && status != 426) return;
  for (const auto& each : other_paths(ask_.url.path)) {
    other = handshake_;
    other.path = each.path;
    if (vary(each.what, each.path, other)) return;
  }
}

void Ladder::converse() {
  std::optional<Exchange> beside;
  const bool with_token = talks_to_foyer() && !handshake_.token.empty();
  facts_.echo = prober_.talk(place_, handshake_, {.messages = with_token ? 1U : 0U}, &beside);
  if (!facts_.echo->talk) {
    add(RungId::echo, facts_.echo->exchange, false);
    facts_.repeats.push_back(facts_.echo->exchange); // the same handshake was accepted a moment ago
    return skip_after(RungId::echo);
  }
  const Talk& talk = *facts_.echo->talk;
  const bool good = talk.pong && !talk.pong_after_close && talk.broken.empty() && !talk.close_before_ours;
  add(RungId::echo, status_of(talk.ending, good), talk.took, describe(talk));
  if (!good) return skip_after(RungId::echo);
  if (with_token) {
    const std::string* answer = facts_.authenticated();
    add(RungId::auth, answer != nullptr ? Status::passed : Status::failed, {},
        answer != nullptr ? "authentication_success" : "no authentication_success");
  }
  try_second(beside);
  if (facts_.authenticated() != nullptr) try_big();
  repeat();
  hold();
}

void Ladder::try_second(const std::optional<Exchange>& beside) {
  facts_.second = beside;
  add(RungId::second, *beside, beside->upgraded());
}

// A ping of the protocol, with a member that Foyer ignores: it changes nothing and is answered.
void Ladder::try_big() {
  const auto welcome = json::parse(*facts_.authenticated());
  std::size_t size = kBigMessage;
  if (welcome && welcome->is_object())
    if (const json::Value* limits = welcome->get_object().if_contains("limits");
        limits != nullptr && limits->is_object())
      if (const auto most = json::get_int(limits->get_object(), "message_bytes"); most && *most > 0)
        size = std::min(size, static_cast<std::size_t>(*most) / 2);
  std::string message = R"({"type":"ping","padding":")";
  message.append(size - std::min(size, message.size()), 'x');
  message += "\"}";
  facts_.big_bytes = message.size();
  facts_.big = prober_.talk(place_, handshake_, {.say = {std::move(message)}, .messages = 2});
  if (!facts_.big->talk) return add(RungId::big, facts_.big->exchange, false);
  const Talk& talk = *facts_.big->talk;
  const bool answered = std::ranges::any_of(
      talk.messages, [](const std::string& each) { return each.find("\"pong\"") != std::string::npos; });
  add(RungId::big, status_of(talk.ending, answered), talk.took,
      fmt::format("a command of {} bytes {}", facts_.big_bytes, answered ? "was answered" : "was not answered"));
}

// As a proxy asks the server: without TLS, with the public name in Host.
void Ladder::ask_directly() {
  const Stopwatch watch(clock_);
  const Prober prober(entropy_, Deadline(clock_, kDirectTime));
  const std::string& host = ask_.direct->host;
  NameFacts name;
  if (wire::is_ip_literal(host))
    name.addresses = {host};
  else
    name = prober.name(host);
  Place place = place_;
  place.tls = false;
  place.port = ask_.direct->port;
  if (name.addresses.empty()) {
    add(RungId::direct, Status::broken, watch.elapsed(), describe(name));
    return;
  }
  const auto connects = prober.connect(name.addresses, place.port);
  const auto connected = std::ranges::find(connects, ConnectFacts::Result::connected, &ConnectFacts::result);
  place.address = connected == connects.end() ? name.addresses.front() : connected->address;
  HttpAsk whole = plain_ask(ask_.url.path);
  whole.query = ask_.url.query;
  whole.upgrade = true;
  whole.origin = ask_.origin.value_or(own_origin(ask_.url));
  whole.token = ask_.token;
  whole.subprotocols = ask_.subprotocols;
  facts_.direct = prober.exchange(place, whole);
  add(RungId::direct, *facts_.direct, facts_.direct->upgraded());
}

bool Ladder::talks_to_foyer() const {
  for (const auto* each : {&facts_.health, &facts_.plain, &facts_.bare, &facts_.origin})
    if (each->has_value() && (*each)->from_foyer()) return true;
  return false;
}

void Ladder::repeat() {
  if (ask_.repeat == 0) return;
  const Stopwatch watch(clock_);
  Prober prober(entropy_, Deadline(clock_, kRunTime));
  for (int i = 0; i < ask_.repeat; ++i) facts_.repeats.push_back(prober.exchange(place_, handshake_));
  const auto good = std::ranges::count_if(facts_.repeats, &Exchange::upgraded);
  add(RungId::repeat, good == ask_.repeat ? Status::passed : Status::failed, watch.elapsed(),
      fmt::format("{} of {} handshakes accepted", good, ask_.repeat));
}

void Ladder::hold() {
  if (!ask_.hold) return;
  const Prober prober(entropy_, Deadline(clock_, *ask_.hold + kAfterHold));
  facts_.hold = prober.talk(place_, handshake_, {.quiet = ask_.hold});
  if (!facts_.hold->talk) return add(RungId::hold, facts_.hold->exchange, false);
  const Talk& talk = *facts_.hold->talk;
  add(RungId::hold, status_of(talk.ending, talk.pong.has_value() && !talk.close_before_ours), talk.took,
      describe(talk));
}

} // namespace foyer::doctor

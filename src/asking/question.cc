#include "asking/question.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/json.h"
#include "client/signature.h"

namespace foyer::asking {
namespace {

void member(std::string& out, std::string_view name, std::string_view text) {
  json::append_string(out, name);
  out += ':';
  json::append_string(out, text);
}

// Open: the caller adds members and the end.
std::string begin(Event event, const Client& client) {
  std::string out = "{";
  member(out, "event", to_string(event)); // a proxy of Centrifugo has a URL for each instead
  out += ',';
  member(out, "client", client.id);
  out += R"(,"transport":"websocket","protocol":"json","encoding":"json",)";
  member(out, "user", client.user.view());
  out += R"(,"info":{)";
  member(out, "name", client.name);
  out += '}';
  if (client.kept && !client.kept->meta.empty()) out.append(R"(,"meta":)").append(client.kept->meta);
  return out;
}

void room(std::string& out, const RoomName& name) {
  out += ',';
  member(out, "channel", name.view());
}

} // namespace

std::string body_of(const ConnectQuestion& question) { return begin(Event::connect, question.client) + '}'; }
std::string body_of(const RefreshQuestion& question) { return begin(Event::refresh, question.client) + '}'; }

std::string body_of(const SubscribeQuestion& question) {
  std::string out = begin(Event::subscribe, question.client);
  room(out, question.room);
  return out + '}';
}

std::string body_of(const PublishQuestion& question) {
  std::string out = begin(Event::publish, question.client);
  room(out, question.room);
  if (question.chat) {
    out += R"(,"data":{)";
    member(out, "message", question.data);
    out += '}';
  } else {
    out.append(R"(,"data":)").append(question.data);
  }
  return out + '}';
}

auth::Call request_of(std::string body, const Signed& by, std::string_view target, std::string_view user_agent,
    const Kept* kept, std::span<const std::string> names) {
  const std::int64_t timestamp = unix_seconds(by.now);
  Headers headers{{"Content-Type", "application/json"}, {"Accept", "application/json"},
      {"User-Agent", std::string(user_agent)}, {"webhook-id", by.id}, {"webhook-timestamp", std::to_string(timestamp)},
      {"webhook-signature", client::sign({&by.key, 1}, by.id, timestamp, body)}};
  if (kept != nullptr)
    for (const Header& header : kept->headers.list())
      if (std::ranges::any_of(names, [&](const std::string& name) { return iequals(name, header.name); }))
        headers.add(header.name, header.value);
  return {.method = "POST", .target = std::string(target), .headers = std::move(headers), .body = std::move(body)};
}

bool is_own_header(std::string_view name) {
  constexpr std::array kOwn = {"host", "connection", "content-length", "content-type", "content-encoding",
      "transfer-encoding", "accept", "accept-encoding", "user-agent", "te", "trailer", "upgrade", "expect",
      "keep-alive", "proxy-connection", "webhook-id", "webhook-timestamp", "webhook-signature"};
  return std::ranges::any_of(kOwn, [&](std::string_view own) { return iequals(own, name); });
}

} // namespace foyer::asking

// GET /rooms/ROOM/messages/OFFSET: one complete message, for clients whose max_message is too small
// for it. A Bearer token gives the same rights as on a socket, and so does a token for the room, in X-Room-Token.
#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "gateway/consent.h"
#include "gateway/gateway.h"
#include "rooms/model/room.h"
#include "wire/problem.h"

namespace foyer::gateway {
namespace {

Result<std::string> bearer_token(const Request& request, std::size_t longest) {
  const std::size_t count = request.headers.count("Authorization");
  if (count == 0) return refuse(Cause::NO_TOKEN, "no Authorization header");
  if (count > 1) return refuse(Cause::AMBIGUOUS_CREDENTIALS, "more than one Authorization header");
  std::string_view value = *request.headers.find("Authorization");
  const auto space = value.find(' ');
  if (!iequals(value.substr(0, space), "Bearer") || space == std::string_view::npos)
    return refuse_field(Cause::INVALID_FORMAT, "Authorization", "expected Bearer and a token");
  value.remove_prefix(space);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (value.empty() || value.size() > longest)
    return refuse_field(
        Cause::INVALID_FORMAT, "Authorization", "the token has " + std::to_string(value.size()) + " bytes");
  return std::string(value);
}

constexpr std::string_view kRoomToken = "X-Room-Token";

std::optional<Offset> offset_in(std::string_view text) {
  Offset offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc{} || end != text.data() + text.size() || offset == 0 || offset > protocol::kMaxInteger)
    return std::nullopt;
  return offset;
}

// The terms of a client that gets the whole message, whatever its length.
protocol::ClientTerms whole_message() {
  protocol::ClientTerms terms;
  terms.features.add(protocol::Feature::data);
  return terms;
}

} // namespace

struct Gateway::Asked {
  Request request;
  Reply reply;
  std::string user = {};       // known once the token is verified
  bool has_room_token = false; // that is valid
};

void Gateway::message(Request request, Reply reply) {
  Asked asked{.request = std::move(request), .reply = std::move(reply)};
  if (auto refusal = deps_.addresses.handshake(asked.request.address, deps_.clock.mono()))
    return answer_message(std::move(asked), std::unexpected(std::move(*refusal)));
  auto token = bearer_token(asked.request, policy_.door.max_token_bytes);
  if (!token) return answer_message(std::move(asked), std::unexpected(std::move(token).error()));
  auto identity = deps_.verifier.verify(*token, deps_.clock.wall());
  if (identity || identity.error().cause != Cause::KEY_UNKNOWN || !deps_.refresh_keys)
    return message_for(std::move(asked), std::move(identity));
  std::string unknown = *token;
  deps_.refresh_keys(
      std::move(unknown), [this, asked = std::move(asked), token = std::move(*token)](Result<bool> newer) mutable {
    if (!newer) return answer_message(std::move(asked), std::unexpected(std::move(newer).error()));
    message_for(std::move(asked), deps_.verifier.verify(token, deps_.clock.wall()));
  });
}

void Gateway::message_for(Asked asked, Result<Identity> identity) {
  if (!identity) return answer_message(std::move(asked), std::unexpected(std::move(identity).error()));
  asked.user = identity->user.str();
  if (auto refusal = deps_.revocations.check(*identity, deps_.clock.mono()))
    return answer_message(std::move(asked), std::unexpected(std::move(*refusal)));
  asking::Application* application = deps_.application;
  if (application == nullptr || !application->asks(asking::Event::connect))
    return check_room_token(std::move(asked), std::move(*identity));
  // The application decides here as it does for a socket. There is no connection, so the request's reference is sent as
  // the connection's id.
  asking::ConnectQuestion question{.client = {.id = asked.request.ref.str(),
                                       .user = identity->user,
                                       .name = identity->name,
                                       .kept = application->keep(asked.request.headers)}};
  application->connect(std::move(question),
      [this, asked = std::move(asked), identity = std::move(*identity)](Result<asking::ConnectAnswer> said) mutable {
    if (!said) return answer_message(std::move(asked), std::unexpected(std::move(said).error()));
    const auto consent = consent_of(*said);
    if (!consent) return answer_message(std::move(asked), std::unexpected(consent.error()));
    consent->apply(identity);
    if (const auto& end = consent->expires_at; end && *end != WallTime{} && *end <= deps_.clock.wall())
      return answer_message(
          std::move(asked), refuse_field(Cause::APP_REFUSED, "expire_at", "the end has already passed"));
    check_room_token(std::move(asked), std::move(identity));
  });
}

void Gateway::check_room_token(Asked asked, Identity identity) {
  const std::size_t count = asked.request.headers.count(kRoomToken);
  if (count == 0) return find_message(std::move(asked), std::move(identity));
  const std::string token = *asked.request.headers.find(kRoomToken);
  if (count > 1)
    return answer_message(std::move(asked), refuse(Cause::AMBIGUOUS_CREDENTIALS, "two X-Room-Token headers"));
  const auto judged = [this](Asked now, Identity who, const Result<auth::RoomToken>& verified) {
    if (auto refusal = judge_room_token(now, who, verified))
      return answer_message(std::move(now), std::unexpected(std::move(*refusal)));
    now.has_room_token = true;
    find_message(std::move(now), std::move(who));
  };
  auto verified = deps_.verifier.verify_room(token, deps_.clock.wall());
  if (verified || verified.error().cause != Cause::KEY_UNKNOWN || !deps_.refresh_keys)
    return judged(std::move(asked), std::move(identity), verified);
  std::string unknown = token;
  deps_.refresh_keys(std::move(unknown),
      [this, judged, token, asked = std::move(asked), identity = std::move(identity)](Result<bool> newer) mutable {
    if (!newer) return answer_message(std::move(asked), std::unexpected(std::move(newer).error()));
    judged(std::move(asked), std::move(identity), deps_.verifier.verify_room(token, deps_.clock.wall()));
  });
}

std::optional<Refusal> Gateway::judge_room_token(
    const Asked& asked, const Identity& identity, const Result<auth::RoomToken>& token) const {
  if (!token) return token.error();
  if (auto refusal = deps_.revocations.check(token->identity, deps_.clock.mono())) return refusal;
  if (token->identity.user != identity.user)
    return Refusal{.cause = Cause::USER_MISMATCH, .evidence = "the room token is another user's"};
  if (token->room != asked.request.path_args.at(0))
    return Refusal{.cause = Cause::ROOM_TOKEN_REQUIRED,
        .evidence = "the token names the room " + printable(token->room, 128),
        .field = std::string(kRoomToken)};
  return std::nullopt;
}

void Gateway::find_message(Asked asked, Identity identity) {
  const auto& args = asked.request.path_args;
  if (auto kind = rooms::kind_of(args.at(0)); !kind)
    return answer_message(std::move(asked), std::unexpected(std::move(kind).error()));
  const auto offset = offset_in(args.at(1));
  if (!offset) return answer_message(std::move(asked), refuse_field(Cause::NOT_FOUND, "offset"));
  const RoomName room{args.at(0)};
  rooms::Actor actor{.user = identity.user,
      .name = identity.name,
      .permissions = identity.permissions,
      .use = users_.of(identity.user, deps_.clock.mono()),
      .has_token = asked.has_room_token || std::ranges::find(identity.rooms, room.view()) != identity.rooms.end()};
  if (const Millis wait = actor.use->command(deps_.clock.mono(), 1); wait.count() > 0)
    return answer_message(std::move(asked),
        std::unexpected(Refusal{.cause = Cause::RATE_LIMITED, .evidence = "user_messages_per_s", .retry_after = wait}));
  rooms_.message(
      std::move(actor), room, *offset, [this, asked = std::move(asked)](Result<rooms::MessageFound> found) mutable {
    answer_message(std::move(asked), std::move(found));
  });
}

void Gateway::answer_message(Asked asked, Result<rooms::MessageFound> found) {
  if (found) {
    const rooms::Event event{.room = std::move(found->room),
        .epoch = std::move(found->epoch),
        .delivery = rooms::Delivery::history,
        .body = std::move(found->message)};
    std::string text;
    const protocol::ClientCodec& codec = shards_.front()->codec();
    codec.write(text, event, codec.form_for(event, whole_message()));
    return asked.reply(json_response(200, std::move(text)));
  }
  const Refusal& refusal = found.error();
  deps_.addresses.refused(asked.request.address, refusal.cause, deps_.clock.mono());
  deps_.reporter.report(asked.request, refusal, asked.user);
  asked.reply(wire::problem(refusal, asked.request.ref, policy_.door.reveal));
}

} // namespace foyer::gateway

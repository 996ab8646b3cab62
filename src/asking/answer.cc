#include "asking/answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "asking/policy.h"
#include "base/bytes.h"
#include "client/retry_after.h"
#include "wire/url.h"

namespace foyer::asking {
namespace {

constexpr std::size_t kShown = 48;                    // bytes of a body that is not an answer
constexpr std::int64_t kLastSecond = 253'402'300'799; // of the year 9999
constexpr Millis kWait{1'000};                        // for the client, where nothing says how long

Refusal invalid(std::string evidence, std::string field = {}) {
  return {.cause = Cause::APP_ANSWER_INVALID,
      .evidence = std::move(evidence),
      .retry_after = kWait,
      .field = std::move(field)};
}

// As good as absent.
bool is_nothing(const json::Value& value) {
  if (value.is_null()) return true;
  if (const auto* text = value.if_string()) return text->empty();
  if (const auto* flag = value.if_bool()) return !*flag;
  if (const auto* array = value.if_array()) return array->empty();
  if (const auto* object = value.if_object()) return object->empty();
  if (value.is_int64()) return value.get_int64() == 0;
  if (value.is_uint64()) return value.get_uint64() == 0;
  return value.get_double() == 0;
}

std::string_view kind_of(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::string: return "a text";
    case boost::json::kind::bool_: return "true or false";
    case boost::json::kind::array: return "an array";
    case boost::json::kind::object: return "an object";
    case boost::json::kind::null: return "null";
    default: return "a number";
  }
}

// "with text/html: <html>…"
std::string described(const Response& answer) {
  const std::string* type = answer.headers.find("Content-Type");
  std::string out = fmt::format("answered {} with {}", answer.status,
      type == nullptr     ? "no content type"
          : type->empty() ? "an empty content type"
                          : printable(*type, kShown));
  if (answer.body.empty()) return out + " and an empty body";
  return out + fmt::format(", {} bytes that begin with {}", answer.body.size(), printable(answer.body, kShown));
}

std::optional<Millis> retry_after(const Response& answer) {
  const auto wait = client::retry_after(answer);
  return wait ? std::optional(std::min(*wait, kLongestPause)) : std::nullopt;
}

// Only the host: paths and queries may hold private data.
std::string redirect_target(const Response& answer) {
  const std::string* location = answer.headers.find("Location");
  if (location == nullptr) return "nowhere (no Location)";
  const auto url = wire::parse_url(*location);
  return url ? printable(url->host, 128) : "another path";
}

Fault not_reached(const client::NetError& error) {
  using Kind = client::NetError::Kind;
  const bool nothing_sent = error.phase == client::NetError::Phase::connecting;
  Fault out{.refusal = {.cause = Cause::APP_UNAVAILABLE,
                .evidence = fmt::format("{}: {}", to_string(error.phase), printable(error.what)),
                .retry_after = kWait},
      .transient = true,
      .unhandled = nothing_sent,
      .counts = true};
  if (error.kind == Kind::timeout) out.refusal.cause = Cause::APP_TIMEOUT;
  if (error.kind == Kind::protocol) { // it answered, though with something that is not HTTP, or too long
    out.refusal.cause = Cause::APP_ANSWER_INVALID;
    out.transient = false;
  }
  if (error.kind == Kind::not_allowed) out.transient = false;
  return out;
}

Fault bad_status(const Response& answer) {
  const int status = answer.status;
  if (status >= 500 || status == 408 || status == 429) {
    // Other causes than this question's, which the application or a proxy before it reports.
    const bool overload = status == 429 || status == 503;
    const bool proxy = status == 502 || status == 503 || status == 504;
    Fault out{.refusal = {.cause = Cause::APP_UNAVAILABLE,
                  .evidence = described(answer),
                  .retry_after = retry_after(answer).value_or(kWait)},
        // A time to wait is longer than any question may take.
        .transient = (proxy || overload || status == 408) && retry_after(answer).value_or(Millis{0}) == Millis{0},
        .unhandled = overload,
        .counts = proxy};
    if (status == 503) out.pause = retry_after(answer);
    return out;
  }
  if (status >= 300 && status < 400)
    return {.refusal = invalid(fmt::format(
                "answered {}, a redirect to {}; redirects are not followed", status, redirect_target(answer)))};
  return {.refusal = invalid(described(answer))};
}

// The members of `error` and `disconnect`.
std::expected<No, Refusal> read_no(std::string_view name, const json::Value& value) {
  const auto* object = value.if_object();
  if (object == nullptr)
    return std::unexpected(invalid(fmt::format("{} is {} and not an object", name, kind_of(value)), std::string(name)));
  const bool disconnect = name == "disconnect";
  const std::string_view text_name = disconnect ? "reason" : "message";
  No no;
  no.disconnect = disconnect;
  const auto* code = object->if_contains("code");
  const auto number = code == nullptr ? std::nullopt : json::get_int(*object, "code");
  if (!number || *number <= 0 || *number > UINT32_MAX)
    return std::unexpected(invalid(
        fmt::format("{}.code is {} and not a number above 0", name, code == nullptr ? "missing" : kind_of(*code)),
        fmt::format("{}.code", name)));
  no.code = static_cast<std::uint32_t>(*number);
  if (const auto* text = object->if_contains(text_name); text != nullptr && !text->is_null()) {
    if (!text->is_string())
      return std::unexpected(invalid(fmt::format("{}.{} is {} and not a text", name, text_name, kind_of(*text)),
          fmt::format("{}.{}", name, text_name)));
    no.text = printable(text->get_string(), kTextBytes);
  }
  return no;
}

// One member of a result that has a meaning here; with `why`, it has one elsewhere only.
struct Known {
  std::string_view name;
  std::string_view why = {};
};

// C0, DEL, and C1 in UTF-8.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

// The members of an object of an answer. The first fault stays.
class Members {
 public:
  Members(const json::Object& object, std::string where, std::initializer_list<Known> known)
      : object_(object),
        where_(std::move(where)) {
    for (const auto& member : object) {
      if (is_nothing(member.value())) continue;
      const std::string_view name = member.key();
      const auto* at = std::ranges::find(known, name, &Known::name);
      if (at == known.end())
        fault(name, "is unknown" + nearest(name, known));
      else if (!at->why.empty())
        fault(name, fmt::format("has no effect here: {}", at->why));
    }
  }

  std::optional<std::string> text(std::string_view name, std::size_t most) {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) return fault(name, fmt::format("is {} and not a text", kind_of(*value)));
    if (value->get_string().size() > most) return fault(name, fmt::format("has more than {} bytes", most));
    return std::string(value->get_string());
  }
  // Shown to others.
  std::optional<std::string> shown_name(std::string_view name) {
    auto value = text(name, kNameBytes);
    if (value && has_control(*value)) return fault(name, "has control characters");
    return value;
  }
  bool flag(std::string_view name) {
    const auto* value = find(name);
    if (value == nullptr) return false;
    if (!value->is_bool()) fault(name, fmt::format("is {} and not true or false", kind_of(*value)));
    return value->is_bool();
  }
  std::optional<WallTime> time(std::string_view name, WallTime now) {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    std::int64_t seconds = -1;
    if (value->is_int64()) seconds = value->get_int64();
    if (value->is_double() && value->get_double() > 0 && value->get_double() <= static_cast<double>(kLastSecond))
      seconds = static_cast<std::int64_t>(value->get_double());
    if (seconds < 0 || seconds > kLastSecond) {
      fault(name, fmt::format("is {} and not a time in seconds since 1970", kind_of(*value)));
      return std::nullopt;
    }
    if (from_unix_seconds(seconds) <= now) {
      fault(name, fmt::format("is past: {}", rfc3339(from_unix_seconds(seconds))));
      return std::nullopt;
    }
    return from_unix_seconds(seconds);
  }
  std::optional<std::vector<std::string>> texts(std::string_view name, std::size_t most) {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    std::vector<std::string> out;
    const auto* array = value->if_array();
    if (array == nullptr || !std::ranges::all_of(*array, [](const auto& each) { return each.is_string(); })) {
      fault(name,
          array == nullptr ? fmt::format("is {} and not an array", kind_of(*value)) : "has an item that is no text");
      return std::nullopt;
    }
    if (array->size() > most) {
      fault(name, fmt::format("has more than {} items", most));
      return std::nullopt;
    }
    for (const auto& item : *array) out.emplace_back(item.get_string());
    return out;
  }
  const json::Object* object(std::string_view name) {
    const auto* value = find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) fault(name, fmt::format("is {} and not an object", kind_of(*value)));
    return value->if_object();
  }
  const json::Value* find(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    return value == nullptr || is_nothing(*value) ? nullptr : value;
  }

  std::nullopt_t fault(std::string_view name, std::string_view what) {
    if (!fault_) {
      std::string member = fmt::format("{}.{}", where_, printable(name, kShown));
      fault_ = invalid(fmt::format("{} {}", member, what), member);
    }
    return std::nullopt;
  }
  void fault(std::optional<Refusal> other) {
    if (!fault_) fault_ = std::move(other);
  }
  [[nodiscard]] const std::optional<Refusal>& fault() const { return fault_; }

 private:
  static std::string nearest(std::string_view name, std::initializer_list<Known> known) {
    const auto* best = std::ranges::min_element(
        known, {}, [&](const Known& each) { return edit_distance(name.substr(0, 64), each.name); });
    if (best == known.end() || edit_distance(name.substr(0, 64), best->name) > 2) return {};
    return fmt::format("; the nearest is {}", best->name);
  }

  const json::Object& object_;
  const std::string where_;
  std::optional<Refusal> fault_;
};

template <class Answer>
Result<Answer> unless_faulty(Members& members, Answer answer) {
  if (members.fault()) return std::unexpected(*members.fault());
  return answer;
}

constexpr std::string_view kNoInfo = "users have a name, and nothing else";
constexpr std::string_view kNotHere = "what a room does is decided by the rules of its name";

// `info`, which holds a name and nothing else.
std::optional<std::string> name_in(Members& members, const json::Object* info, std::string_view where) {
  if (info == nullptr) return std::nullopt;
  Members inside(*info, std::string(where), {{"name"}});
  auto name = inside.shown_name("name");
  members.fault(inside.fault());
  return name;
}

std::optional<std::string> meta_in(Members& members) {
  const auto* meta = members.object("meta");
  if (meta == nullptr) return std::nullopt;
  std::string text = json::write(*meta);
  if (text.size() > kMetaBytes) return members.fault("meta", fmt::format("has more than {} bytes", kMetaBytes));
  return text;
}

void claims_in(Members& members, ConnectAnswer& answer) {
  const auto* claims = members.object("claims");
  if (claims == nullptr) return;
  Members inside(*claims, "result.claims", {{"name"}, {"scope"}, {"rooms"}});
  if (auto name = inside.shown_name("name")) answer.name = std::move(name);
  answer.scope = inside.text("scope", 256);
  answer.rooms = inside.texts("rooms", kRoomsOfAnswer);
  members.fault(inside.fault());
}

} // namespace

Refusal refusal_of(const No& no) {
  std::string said = std::to_string(no.code);
  if (!no.text.empty()) said += ": " + no.text;
  return {.cause = Cause::APP_REFUSED,
      .evidence = fmt::format("the application answered {} {}", no.disconnect ? "disconnect" : "error", said),
      .detail = std::move(said)};
}

std::expected<Verdict, Fault> read_answer(const client::HttpResult& answer) {
  if (!answer) return std::unexpected(not_reached(answer.error()));
  if (answer->status != 200) return std::unexpected(bad_status(*answer));
  const auto bad = [&](std::string_view what) {
    return std::unexpected(Fault{.refusal = invalid(fmt::format("{}: {}", described(*answer), what))});
  };
  auto body = json::parse(answer->body);
  if (!body) return bad("not JSON: " + body.error());
  auto* object = body->if_object();
  if (object == nullptr) return bad("not a JSON object");
  const json::Value* found[3] = {};
  std::size_t n = 0;
  const std::string_view names[3] = {"result", "error", "disconnect"};
  for (std::size_t i = 0; i < 3; ++i)
    if (const auto* value = object->if_contains(names[i]); value != nullptr && !value->is_null()) found[i] = value, ++n;
  if (n != 1)
    return bad(n == 0 ? "none of result, error and disconnect" : "more than one of result, error and disconnect");
  if (found[0] != nullptr) {
    auto* result = object->at("result").if_object();
    if (result == nullptr) return bad(fmt::format("result is {} and not an object", kind_of(*found[0])));
    return std::move(*result);
  }
  auto no = found[1] != nullptr ? read_no("error", *found[1]) : read_no("disconnect", *found[2]);
  if (!no) return std::unexpected(Fault{.refusal = std::move(no).error()});
  return std::move(*no);
}

Result<ConnectAnswer> connect_answer(const json::Object& result, const UserId& user, WallTime now) {
  constexpr std::string_view kNoData = "authentication_success has no data of the application";
  Members members(result, "result",
      {{"user"}, {"expire_at"}, {"info"}, {"claims"}, {"channels"}, {"meta"}, {"b64info", kNoInfo}, {"data", kNoData},
          {"b64data", kNoData}, {"subs", "send channels, the names of rooms"}, {"caps", kNotHere},
          {"labels", "there are none"}});
  ConnectAnswer out;
  if (const auto said = members.text("user", 256); said && *said != user.view())
    members.fault("user", "is another user than the one of the credential");
  out.expires_at = members.time("expire_at", now);
  out.name = name_in(members, members.object("info"), "result.info");
  claims_in(members, out);
  if (auto channels = members.texts("channels", kRoomsOfAnswer))
    for (auto& channel : *channels) out.join.emplace_back(std::move(channel));
  out.meta = meta_in(members);
  return unless_faulty(members, std::move(out));
}

Result<RefreshAnswer> refresh_answer(const json::Object& result, WallTime now) {
  Members members(result, "result", {{"expired"}, {"expire_at"}, {"info"}, {"meta"}, {"b64info", kNoInfo}});
  RefreshAnswer out;
  out.expired = members.flag("expired");
  if (!out.expired) out.expires_at = members.time("expire_at", now);
  out.name = name_in(members, members.object("info"), "result.info");
  out.meta = meta_in(members);
  return unless_faulty(members, std::move(out));
}

Result<SubscribeAnswer> subscribe_answer(const json::Object& result, WallTime now) {
  constexpr std::string_view kNoData = "`joined` has no data of the application";
  Members members(result, "result",
      {{"expire_at"}, {"info", kNoInfo}, {"b64info", kNoInfo}, {"data", kNoData}, {"b64data", kNoData},
          {"override", kNotHere}, {"allow", kNotHere}, {"server_tags_filter", "messages have no tags"}});
  SubscribeAnswer out{.expires_at = members.time("expire_at", now)};
  return unless_faulty(members, std::move(out));
}

Result<PublishAnswer> publish_answer(const json::Object& result, bool chat) {
  Members members(result, "result",
      {{"data"}, {"b64data", "send data"}, {"skip_history", kNotHere}, {"tags", "messages have no tags"},
          {"idempotency_key", "the client names its message with key"}, {"delta", kNotHere},
          {"version", "messages have no version"}, {"version_epoch", "messages have no version"}});
  PublishAnswer out;
  if (const auto* data = result.if_contains("data"); !chat && data != nullptr && !data->is_null())
    out.data = json::write(*data);
  if (const auto* object = chat ? members.object("data") : nullptr) {
    Members inside(*object, "result.data", {{"message"}});
    out.data = inside.text("message", json::Limits{}.bytes);
    if (!out.data && !inside.fault()) inside.fault("message", "is missing");
    members.fault(inside.fault());
  }
  return unless_faulty(members, std::move(out));
}

} // namespace foyer::asking

#include "cli/token_explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/trusted_issuers.h"
#include "auth/issuers.h"
#include "base/bytes.h"
#include "config/issuer_keys.h"
#include "jose/jws.h"
#include "rooms/model/room.h"
#include "rooms/model/room_rules.h"

namespace foyer::cli {
namespace {

enum class Signature : std::uint8_t { valid, invalid, unchecked };

// What one issuer makes of the token.
struct View {
  std::string name;
  std::string issuer;
  bool chosen = false; // its `iss` is that of the token
  Signature signature = Signature::unchecked;
  std::string signature_text = {};
  std::vector<jose::ClaimFault> faults = {}; // of its claims
  std::optional<Identity> accepted = {};
  std::string room = {}; // of a token for one
  [[nodiscard]] bool good() const { return chosen && faults.empty() && signature != Signature::invalid; }
};

std::string_view to_string(Signature signature) {
  switch (signature) {
    case Signature::valid: return "valid";
    case Signature::invalid: return "invalid";
    case Signature::unchecked: return "unchecked";
  }
  return "unchecked";
}

class Explainer {
 public:
  Explainer(const ExplainTask& task, const jose::Jws& jws, json::Object claims)
      : task_(task),
        jws_(jws),
        claims_(std::move(claims)),
        iss_(json::get_string(claims_, "iss").value_or("")),
        use_(use()) {}

  std::vector<View> views() {
    std::vector<View> out;
    if (task_.config.identity != config::IdentityMode::external) out.push_back(own());
    for (const auto& issuer : task_.config.issuers) out.push_back(trusted(issuer));
    return out;
  }
  [[nodiscard]] const json::Object& claims() const { return claims_; }
  // Whether it is a token for a room, as verifiers tell them apart.
  [[nodiscard]] bool for_room() const { return use_ == jose::TokenUse::room; }

 private:
  [[nodiscard]] jose::TokenUse use() const {
    const auto names = [this](std::string_view claim) {
      const auto* value = claims_.if_contains(claim);
      return value != nullptr && !value->is_null();
    };
    const bool typed = jws_.header.typ && jose::same_type(*jws_.header.typ, jose::kRoomTokenType);
    return typed || std::ranges::any_of(jose::kRoomClaims, names) ? jose::TokenUse::room : jose::TokenUse::access;
  }
  void check_signature(View& view, const Result<std::shared_ptr<const jose::KeySet>>& keys, std::string_view where) {
    if (!keys) {
      view.signature = Signature::invalid;
      view.signature_text = fmt::format("its key cannot be used: {}: {}", keys.error().code(), keys.error().evidence);
    } else if (!*keys) {
      view.signature_text = fmt::format("not checked: the keys are at {}; give them with --key FILE", where);
    } else if (const auto verified = jose::verify_signature(jws_, **keys); !verified) {
      view.signature = Signature::invalid;
      view.signature_text = fmt::format("{}: {}", verified.error().code(), verified.error().evidence);
    } else {
      view.signature = Signature::valid;
      view.signature_text = "valid";
    }
  }

  View own() {
    View out{.name = "own", .issuer = task_.own.issuer, .chosen = iss_ == task_.own.issuer};
    if (task_.own_keys.empty())
      check_signature(out, std::shared_ptr<const jose::KeySet>{}, "the auth service");
    else
      check_signature(out, jose::KeySet::of(task_.own_keys), "");
    auto read = jose::read_claims(jws_, task_.own, task_.now, use_);
    if (read)
      out.accepted = std::move(read->identity), out.room = std::move(read->room);
    else
      out.faults = read.error().all();
    return out;
  }

  View trusted(const auth::TrustedIssuer& issuer) {
    View out{.name = issuer.name, .issuer = issuer.issuer, .chosen = iss_ == issuer.issuer};
    auto keys = config::keys_in_file(issuer, config::system_files());
    if (keys && !*keys && !task_.given_keys.empty()) {
      keys = jose::KeySet::of(task_.given_keys);
      if (keys) keys = jose::KeySet::restricted(*keys, config::algorithms_of(issuer));
    }
    check_signature(out, keys, issuer.discovery ? "the address that its discovery names" : issuer.jwks_url);
    auto judged = auth::judge_claims(app::issuer_terms(task_.config, issuer), jws_, claims_, task_.now, use_);
    if (judged.accepted)
      out.accepted = std::move(judged.accepted->identity), out.room = std::move(judged.accepted->room);
    out.faults = std::move(judged.faults);
    if (out.chosen) return out;
    out.faults.insert(out.faults.begin(),
        {.cause = Cause::ISSUER_MISMATCH,
            .claim = "iss",
            .what = iss_.empty() ? "iss is absent or not a string"
                                 : fmt::format("iss {}; expected {}", printable(iss_, 128), issuer.issuer)});
    return out;
  }

  const ExplainTask& task_;
  const jose::Jws& jws_;
  const json::Object claims_;
  const std::string iss_;
  const jose::TokenUse use_;
};

// What `join {room, token}` would answer to a connection of the same user, as far as it can be told without the room.
struct Join {
  std::string_view answer; // "joined" or a code
  std::string text;
};
Join join_with(const ExplainTask& task, const View& view) {
  const std::string room = printable(view.room, 128);
  if (auto kind = rooms::kind_of(view.room); !kind)
    return {.answer = kind.error().code(), .text = room + " is no name of a room"};
  const std::string until = rfc3339(view.accepted->expires_at + task.own.leeway);
  const auto join = rooms::RoomRules(task.config.room_rules).of(view.room).join;
  const std::string rule = "its rule has join = \"" + std::string(rooms::to_string(join)) + "\"";
  if (join == rooms::JoinBy::token)
    return {.answer = "joined",
        .text = fmt::format("joined {}, until {}, on a connection of {}; USER_MISMATCH on any other", room, until,
            view.accepted->user.view())};
  if (join == rooms::JoinBy::nobody)
    return {.answer = code_of(Cause::PERMISSION_DENIED), .text = fmt::format("no client joins {}: {}", room, rule)};
  return {
      .answer = "as_without", .text = fmt::format("as without the token, which {} does not ask for: {}", room, rule)};
}

json::Object as_json(const ExplainTask& task, const View& view, bool for_room) {
  json::Array faults;
  for (const auto& fault : view.faults)
    faults.emplace_back(json::Object{{"claim", fault.claim}, {"code", code_of(fault.cause)}, {"what", fault.what}});
  json::Object out{{"name", view.name}, {"issuer", view.issuer}, {"chosen", view.chosen},
      {"signature", to_string(view.signature)}, {"signature_detail", view.signature_text},
      {"faults", std::move(faults)}};
  if (view.good() && view.accepted) {
    out["user"] = view.accepted->user.view();
    out["shown_name"] = view.accepted->name;
    if (for_room) {
      out["room"] = view.room;
      out["expires_at"] = rfc3339(view.accepted->expires_at);
      out["join"] = join_with(task, view).answer;
    } else {
      out["scope"] = to_scope(view.accepted->permissions);
    }
  } else if (for_room && view.chosen && !view.faults.empty()) {
    out["join"] = code_of(view.faults.front().cause);
  }
  return out;
}

void print_view(const ExplainTask& task, const View& view, bool for_room) {
  fmt::print(
      "\nissuer {} ({}){}\n", view.name, printable(view.issuer, 256), view.chosen ? ", which the token names" : "");
  fmt::print("  signature  {}\n", view.signature_text);
  for (const auto& fault : view.faults)
    fmt::print("  {:<10} {} ({})\n", printable(fault.claim, 64), fault.what, code_of(fault.cause));
  if (view.good() && view.accepted && for_room)
    fmt::print("  token of {} for the room {}, which expires {}\n  join       {}\n", view.accepted->user.view(),
        printable(view.room, 128), rfc3339(view.accepted->expires_at), join_with(task, view).text);
  else if (view.good() && view.accepted)
    fmt::print("  accepted as {} ({}), scope: {}\n", view.accepted->user.view(), printable(view.accepted->name, 128),
        to_scope(view.accepted->permissions));
}

json::Value parsed_or_null(std::string_view text) {
  auto value = json::parse(text);
  return value ? std::move(*value) : json::Value{};
}

} // namespace

int explain_token(const ExplainTask& task, std::string_view token) {
  const auto unreadable = [&](const Refusal& refusal) {
    if (task.as_json)
      fmt::print("{}\n",
          json::write(json::Object{{"valid", false}, {"code", refusal.code()}, {"detail", refusal.operator_text()},
              {"issuers", json::Array{}}}));
    else
      fmt::print("refused by all: {}\n{}\n{}\n", refusal.code(), refusal.operator_text(), refusal.info().next);
    return 1;
  };
  const auto jws = jose::parse_compact(token, task.config.gateway.door.max_token_bytes);
  if (!jws) return unreadable(jws.error());
  auto claims = auth::claims_of(*jws);
  if (!claims) return unreadable(claims.error());
  Explainer explainer(task, *jws, std::move(*claims));
  const auto views = explainer.views();
  const auto chosen = std::ranges::find_if(views, [](const View& view) { return view.chosen; });
  const bool good = chosen != views.end() && chosen->good();
  const bool checked = good && chosen->signature == Signature::valid;
  if (task.as_json) {
    json::Array list;
    for (const auto& view : views) list.emplace_back(as_json(task, view, explainer.for_room()));
    json::Value valid = good;
    if (good && !checked) valid = nullptr;
    fmt::print("{}\n",
        json::write(json::Object{{"valid", std::move(valid)}, {"use", explainer.for_room() ? "room" : "connection"},
            {"issuers", std::move(list)}, {"header", parsed_or_null(jws->header.json)},
            {"claims", explainer.claims()}}));
  } else {
    fmt::print("header {}\nclaims {}\n", printable(jws->header.json, 1024), printable(jws->payload, 4096));
    if (explainer.for_room())
      fmt::print(
          "This is a token for a room, to be sent as `join {{room, token}}`; no connection is opened with it.\n");
    for (const auto& view : views) print_view(task, view, explainer.for_room());
    if (chosen == views.end())
      fmt::print("\nrefused: no issuer of the configuration has exactly the token's iss\n");
    else
      fmt::print("\n{}\n", checked ? "accepted" : good ? "nothing wrong with its claims" : "refused");
  }
  return good ? 0 : 1;
}

} // namespace foyer::cli

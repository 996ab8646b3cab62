#include "cli/token_explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/trusted_issuers.h"
#include "auth/issuers.h"
#include "base/bytes.h"
#include "config/issuer_keys.h"
#include "jose/jws.h"

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
        iss_(json::get_string(claims_, "iss").value_or("")) {}

  std::vector<View> views() {
    std::vector<View> out;
    if (task_.config.identity != config::IdentityMode::external) out.push_back(own());
    for (const auto& issuer : task_.config.issuers) out.push_back(trusted(issuer));
    return out;
  }
  [[nodiscard]] const json::Object& claims() const { return claims_; }

 private:
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
    auto read = jose::read_claims(jws_, task_.own, task_.now);
    if (read)
      out.accepted = std::move(*read);
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
    auto judged = auth::judge_claims(app::issuer_terms(task_.config, issuer), jws_, claims_, task_.now);
    if (judged.accepted) out.accepted = std::move(judged.accepted->identity);
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
};

json::Object as_json(const View& view) {
  json::Array faults;
  for (const auto& fault : view.faults)
    faults.emplace_back(json::Object{{"claim", fault.claim}, {"code", code_of(fault.cause)}, {"what", fault.what}});
  json::Object out{{"name", view.name}, {"issuer", view.issuer}, {"chosen", view.chosen},
      {"signature", to_string(view.signature)}, {"signature_detail", view.signature_text},
      {"faults", std::move(faults)}};
  if (view.good() && view.accepted) {
    out["user"] = view.accepted->user.view();
    out["shown_name"] = view.accepted->name;
    out["scope"] = to_scope(view.accepted->permissions);
  }
  return out;
}

void print_view(const View& view) {
  fmt::print(
      "\nissuer {} ({}){}\n", view.name, printable(view.issuer, 256), view.chosen ? ", which the token names" : "");
  fmt::print("  signature  {}\n", view.signature_text);
  for (const auto& fault : view.faults)
    fmt::print("  {:<10} {} ({})\n", printable(fault.claim, 64), fault.what, code_of(fault.cause));
  if (view.good() && view.accepted)
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
    for (const auto& view : views) list.emplace_back(as_json(view));
    json::Value valid = good;
    if (good && !checked) valid = nullptr;
    fmt::print("{}\n",
        json::write(json::Object{{"valid", std::move(valid)}, {"issuers", std::move(list)},
            {"header", parsed_or_null(jws->header.json)}, {"claims", explainer.claims()}}));
  } else {
    fmt::print("header {}\nclaims {}\n", printable(jws->header.json, 1024), printable(jws->payload, 4096));
    for (const auto& view : views) print_view(view);
    if (chosen == views.end())
      fmt::print("\nrefused: no issuer of the configuration has exactly the token's iss\n");
    else
      fmt::print("\n{}\n", checked ? "accepted" : good ? "nothing wrong with its claims" : "refused");
  }
  return good ? 0 : 1;
}

} // namespace foyer::cli

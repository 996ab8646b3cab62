// OAuth as used by third-party clients: forms, OAuth errors, tokens for services.
#include <gmock/gmock.h>

#include "accounts/clients/oauth.h"
#include "accounts/testing/services_world.h"
#include "jose/jws.h"

namespace foyer::accounts {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing_world::Answer;
using testing_world::Ask;
using testing_world::kOtherSecret;
using testing_world::kOwnSecret;
using testing_world::ServicesWorld;
using testing_world::test_policy;

const std::string kMailSecret = "the secret of the service for mail!";

struct OAuth : testing::Test {
  OAuth() {
    w.add_service("billing", kOtherSecret, {"mail", "ledger"});
    w.add_service("mail", kMailSecret, {"ledger"});
    w.add_service("ledger", "the secret of the service for ledgers");
    w.advance(seconds{1});
    w.tick();
  }
  Answer token(std::string parameters, Ask ask = ServicesWorld::basic("billing", kOtherSecret)) {
    return w.form("/oauth2/token", std::move(parameters), std::move(ask));
  }
  Answer introspect(std::string_view token, Ask ask = ServicesWorld::basic("auth", kOwnSecret)) {
    return w.form("/oauth2/introspect", "token=" + std::string{token}, std::move(ask));
  }
  Answer revoke(std::string_view token, Ask ask = {}) {
    return w.form("/oauth2/revoke", "token=" + std::string{token}, std::move(ask));
  }
  static json::Object claims(std::string_view jwt) {
    return json::parse(jose::parse_compact(jwt)->payload)->as_object();
  }
  void refused(const Answer& answer, int status, std::string_view error, std::string_view code) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.text("error"), error) << answer.body;
    EXPECT_THAT(answer.text("error_description"), StartsWith(std::string{code} + ":"));
    EXPECT_EQ(answer.header("Cache-Control"), "no-store");
    EXPECT_EQ(answer.header("Content-Type"), "application/json");
  }

  ServicesWorld w;
};

TEST_F(OAuth, AServiceGetsATokenForOneItMayCall) {
  const Answer answer = token("grant_type=client_credentials&audience=mail");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("Pragma"), "no-cache");
  EXPECT_EQ(answer.text("token_type"), "Bearer");
  EXPECT_EQ(json::get_int(answer.json, "expires_in"), 300);
  EXPECT_EQ(answer.json.size(), 3U) << "and never a refresh token";
  const std::string jwt = answer.text("access_token");
  EXPECT_EQ(jose::parse_compact(jwt)->header.typ, "service+jwt");
  const auto body = claims(jwt);
  EXPECT_EQ(json::get_string(body, "aud"), "mail");
  EXPECT_EQ(json::get_string(body, "sub"), "billing");
  EXPECT_EQ(json::get_string(body, "client_id"), "billing");
  EXPECT_EQ(*json::get_int(body, "exp") - *json::get_int(body, "iat"), 300);
  EXPECT_EQ(w.audited(1).front(), "service_token OK");
}

TEST_F(OAuth, ItsCredentialsComeInThreeWaysAndOnlyInOne) {
  const std::string ask = "grant_type=client_credentials&audience=mail";
  EXPECT_EQ(token(ask, {}).text("error"), "invalid_client");
  EXPECT_EQ(token(ask + "&client_id=billing&client_secret=the+secret+of+quite+another+service%21", {}).status, 200);
  EXPECT_EQ(token(ask, ServicesWorld::basic("billing", "the+secret+of+quite+another+service%21")).status, 200)
      << "encoded, as RFC 6749 asks";
  EXPECT_EQ(token(ask, ServicesWorld::basic("billing", kOtherSecret)).status, 200) << "unencoded, as curl -u sends it";
  Ask by_signature{.content_type = "application/x-www-form-urlencoded"};
  EXPECT_EQ(w.signed_post("/oauth2/token", ask, {.id = "billing", .secret = std::string{kOtherSecret}}, by_signature)
                .text("error"),
      "invalid_client")
      << "it may not call us";
  refused(token(ask + "&client_id=billing&client_secret=x"), 400, "invalid_request", "AMBIGUOUS_CREDENTIALS");
  refused(token(ask + "&client_id=mail"), 400, "invalid_request", "AMBIGUOUS_CREDENTIALS");
  EXPECT_EQ(token(ask + "&client_id=billing").status, 200);
}

TEST_F(OAuth, AWrongClientGetsTheFormOfErrorThatItUsed) {
  const std::string ask = "grant_type=client_credentials&audience=mail";
  const Answer wrong = token(ask, ServicesWorld::basic("billing", "wrong"));
  refused(wrong, 401, "invalid_client", "SERVICE_SECRET_REJECTED");
  EXPECT_THAT(wrong.header("WWW-Authenticate"), StartsWith("Basic "));
  refused(token(ask, ServicesWorld::basic("nobody", "wrong")), 401, "invalid_client", "SERVICE_UNKNOWN");
  const Answer in_form = token(ask + "&client_id=billing&client_secret=wrong", {});
  refused(in_form, 401, "invalid_client", "SERVICE_SECRET_REJECTED");
  EXPECT_EQ(in_form.header("WWW-Authenticate"), "") << "only clients that used Basic get WWW-Authenticate";
  refused(token(ask, {}), 401, "invalid_client", "SERVICE_CREDENTIALS_MISSING");
  refused(token(ask + "&client_id=billing", {}), 401, "invalid_client", "SERVICE_CREDENTIALS_MISSING");
  w.change_service("billing", [](ServiceRow& row) { row.disabled = true; });
  w.advance(seconds{1});
  w.tick();
  refused(token(ask), 401, "invalid_client", "SERVICE_NOT_ALLOWED");
  EXPECT_EQ(w.audited(1).front(), "service_login SERVICE_NOT_ALLOWED");
}

TEST_F(OAuth, BothSecretsCountWhileTheyRotate) {
  w.change_service("billing", [&](ServiceRow& row) {
    row.secrets.insert(row.secrets.begin(),
        seal_service_secret(w.seal, "billing", "a new secret of the service billing", true, w.clock.wall(), w.entropy));
  });
  w.advance(seconds{1});
  w.tick();
  const std::string ask = "grant_type=client_credentials&audience=mail";
  EXPECT_EQ(token(ask).status, 200);
  EXPECT_EQ(token(ask, ServicesWorld::basic("billing", "a new secret of the service billing")).status, 200);
}

TEST_F(OAuth, WhomATokenIsForMustBeSaidAndAllowed) {
  const std::string ask = "grant_type=client_credentials";
  refused(token(ask), 400, "invalid_target", "BAD_REQUEST");
  refused(token(ask + "&audience=auth"), 400, "invalid_target", "SERVICE_NOT_ALLOWED");
  refused(token(ask + "&audience=nobody"), 400, "invalid_target", "SERVICE_UNKNOWN");
  refused(token(ask + "&audience=mail&resource=ledger"), 400, "invalid_target", "BAD_REQUEST");
  EXPECT_EQ(token(ask + "&resource=ledger").status, 200);
  const Answer only = token(ask, ServicesWorld::basic("mail", kMailSecret));
  EXPECT_EQ(json::get_string(claims(only.text("access_token")), "aud"), "ledger") << "if there is only one";
  refused(token(ask + "&audience=mail&scope=all"), 400, "invalid_scope", "BAD_REQUEST");
}

TEST_F(OAuth, AFormIsReadStrictly) {
  const std::string ask = "grant_type=client_credentials&audience=mail";
  refused(token(ask + "&audience=mail"), 400, "invalid_request", "BAD_REQUEST");
  refused(token(ask + "&resource=%zz"), 400, "invalid_request", "BAD_REQUEST");
  refused(token(ask + "&resource=%ff"), 400, "invalid_request", "BAD_REQUEST");
  refused(token("audience=mail"), 400, "invalid_request", "BAD_REQUEST");
  refused(token("grant_type=password"), 400, "unsupported_grant_type", "BAD_REQUEST");
  refused(token(ask + "&x=" + std::string(17'000, 'x')), 413, "invalid_request", "BODY_TOO_LARGE");
  refused(
      w.post("/oauth2/token", R"({"grant_type":"client_credentials"})", ServicesWorld::basic("billing", kOtherSecret)),
      400, "invalid_request", "CONTENT_TYPE_UNSUPPORTED");
  EXPECT_EQ(token(ask + "&unknown=1&resource=").status, 200) << "unknown ones are ignored, empty ones are absent";
}

TEST_F(OAuth, APersonsRefreshTokenRotatesAsAtAuthRefresh) {
  const Answer in = w.register_user("alice");
  const std::string first = in.text("refresh_token");
  const Answer out = token("grant_type=refresh_token&client_id=foyer&refresh_token=" + first, {});
  EXPECT_EQ(out.status, 200) << out.body;
  EXPECT_EQ(out.text("scope"), "chat:read chat:write");
  EXPECT_EQ(out.text("token_type"), "Bearer");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = out.text("access_token")}).text("name"), "alice");
  EXPECT_EQ(w.refresh(first).text("refresh_token"), out.text("refresh_token"))
      << "its successor is unused, so it is returned again";
  refused(token("grant_type=refresh_token&scope=admin&refresh_token=" + out.text("refresh_token"), {}), 400,
      "invalid_scope", "PERMISSION_DENIED");
  refused(token("grant_type=refresh_token&refresh_token=nonsense", {}), 400, "invalid_grant", "REFRESH_UNKNOWN");
  refused(token("grant_type=refresh_token&refresh_token=" + out.text("refresh_token")), 400, "unauthorized_client",
      "SERVICE_NOT_ALLOWED");
  EXPECT_EQ(
      token("grant_type=refresh_token&scope=chat:read&refresh_token=" + out.text("refresh_token"), {}).status, 200)
      << "none of that used up the token";
  w.advance(seconds{11});
  refused(token("grant_type=refresh_token&refresh_token=" + first, {}), 400, "invalid_grant", "REFRESH_REUSED");
}

TEST_F(OAuth, IntrospectionReturnsTheClaims) {
  const Answer in = w.register_user("alice");
  const Answer access = introspect(in.text("access_token"));
  EXPECT_EQ(access.status, 200);
  EXPECT_EQ(json::get_bool(access.json, "active"), true) << access.body;
  EXPECT_EQ(access.text("username"), "alice");
  EXPECT_EQ(access.text("scope"), "chat:read chat:write");
  EXPECT_EQ(access.text("token_type"), "Bearer");
  EXPECT_EQ(access.text("sid"), in.text("session"));
  EXPECT_EQ(json::get_int(access.json, "exp"), unix_seconds(w.clock.wall() + minutes{15}));
  const Answer refresh = introspect(in.text("refresh_token"));
  EXPECT_EQ(json::get_bool(refresh.json, "active"), true) << refresh.body;
  EXPECT_EQ(refresh.text("client_id"), "foyer");
  EXPECT_EQ(json::get_int(refresh.json, "exp"), unix_seconds(w.clock.wall() + days{14}));
  const std::string service = w.service_token("billing", kOtherSecret, "mail");
  EXPECT_EQ(introspect(service).text("aud"), "mail");
  EXPECT_EQ(introspect(service, ServicesWorld::basic("mail", kMailSecret)).text("sub"), "billing")
      << "its audience may introspect it";
}

TEST_F(OAuth, WhatIsNotActiveIsExactlyThat) {
  const std::string inactive = R"({"active":false})";
  const Answer in = w.register_user("alice");
  const std::string access = in.text("access_token");
  const std::string service = w.service_token("billing", kOtherSecret, "mail");
  for (const std::string& token :
      {std::string{"nonsense"}, access.substr(0, access.size() - 8) + "AAAAAAAA", std::string(43, 'A')})
    EXPECT_EQ(introspect(token).body, inactive) << token;
  // A caller that may not see it gets the same answer.
  EXPECT_EQ(introspect(access, ServicesWorld::basic("mail", kMailSecret)).body, inactive);
  EXPECT_EQ(introspect(in.text("refresh_token"), ServicesWorld::basic("mail", kMailSecret)).body, inactive);
  EXPECT_EQ(
      introspect(service, ServicesWorld::basic("ledger", "the secret of the service for ledgers")).body, inactive);
  const Answer second = w.refresh(in.text("refresh_token"));
  EXPECT_EQ(introspect(in.text("refresh_token")).body, inactive) << "it was used";
  w.call("POST", "/auth/logout", {.bearer = access});
  EXPECT_EQ(introspect(access).body, inactive);
  EXPECT_EQ(introspect(second.text("refresh_token")).body, inactive);
  w.advance(minutes{5});
  EXPECT_EQ(introspect(service).body, inactive) << "the leeway applies elsewhere";
  refused(introspect(access, {}), 401, "invalid_client", "SERVICE_CREDENTIALS_MISSING");
  refused(w.form("/oauth2/introspect", "token_type_hint=access_token", ServicesWorld::basic("auth", kOwnSecret)), 400,
      "invalid_request", "BAD_REQUEST");
}

TEST_F(OAuth, ARevokedRefreshTokenEndsItsSessionAndSoItsAccessTokens) {
  const Answer in = w.register_user("alice");
  const Answer done = revoke(in.text("refresh_token"));
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body, "");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = in.text("access_token")}).code(), "SESSION_REVOKED");
  EXPECT_EQ(introspect(in.text("access_token")).body, R"({"active":false})");
  EXPECT_EQ(w.refresh(in.text("refresh_token")).status, 401);
  EXPECT_EQ(revoke(in.text("refresh_token")).status, 200) << "repeating it is no error";
}

TEST_F(OAuth, ARevokedAccessTokenEndsAloneAndReachesTheGateways) {
  const Answer in = w.register_user("alice");
  EXPECT_EQ(revoke(in.text("access_token")).status, 200);
  EXPECT_EQ(revoke(in.text("access_token")).status, 200) << "repeating it is no error and adds no row";
  EXPECT_EQ(introspect(in.text("access_token")).body, R"({"active":false})");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = in.text("access_token")}).code(), "TOKEN_REVOKED");
  EXPECT_EQ(w.refresh(in.text("refresh_token")).status, 200);
  const auto page = w.wait<RevocationPage>([&](auto done) { w.store->revocations_after(0, 10, std::move(done)); });
  ASSERT_TRUE(page && page->events.size() == 1);
  EXPECT_EQ(page->events[0].kind, auth::RevocationEvent::Kind::token);
}

TEST_F(OAuth, AServicesTokenIsRevokedByThatServiceOnly) {
  const std::string service = w.service_token("billing", kOtherSecret, "mail");
  refused(revoke(service), 401, "invalid_client", "SERVICE_CREDENTIALS_MISSING");
  refused(
      revoke(service, ServicesWorld::basic("mail", kMailSecret)), 400, "unauthorized_client", "SERVICE_NOT_ALLOWED");
  EXPECT_EQ(revoke(service, ServicesWorld::basic("billing", kOtherSecret)).status, 200);
  EXPECT_EQ(introspect(service).body, R"({"active":false})");
  EXPECT_EQ(revoke("nonsense").status, 200);
  EXPECT_EQ(revoke("nonsense", ServicesWorld::basic("billing", "wrong")).status, 401);
}

TEST_F(OAuth, TheTokenOfAServiceThatIsDisabledOrMayNoLongerCallIsNotActive) {
  const std::string service = w.service_token("billing", kOtherSecret, "mail");
  EXPECT_EQ(json::get_bool(introspect(service).json, "active"), true);
  w.change_service("billing", [](ServiceRow& row) { row.disabled = true; });
  w.tick();
  EXPECT_EQ(introspect(service).body, R"({"active":false})");
  w.change_service("billing", [](ServiceRow& row) { row.disabled = false, row.may_call = {"ledger"}; });
  w.tick();
  EXPECT_EQ(introspect(service).body, R"({"active":false})");
}

TEST_F(OAuth, AGatewaysSignatureForAClientIsNotTheClients) {
  const Answer in = w.register_user("alice");
  const std::string ask = "token=" + in.text("access_token");
  const Ask form{.content_type = "application/x-www-form-urlencoded"};
  EXPECT_EQ(json::get_bool(w.signed_post("/oauth2/introspect", ask, {}, form).json, "active"), true)
      << "the gateway for itself";
  refused(w.signed_post("/oauth2/introspect", ask, {.address = "203.0.113.7"}, form), 401, "invalid_client",
      "SERVICE_CREDENTIALS_MISSING");
  w.advance(Millis{250});
  const Answer broken = w.signed_post("/oauth2/introspect", ask, {.secret = "wrong", .address = "203.0.113.7"}, form);
  refused(broken, 503, "temporarily_unavailable", "SERVICE_SECRET_REJECTED");
}

TEST_F(OAuth, MetadataIsThereForAnHttpsIssuerThatIsThePublicUrl) {
  const Answer answer = w.call("GET", "/.well-known/oauth-authorization-server");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("issuer"), "https://chat.example");
  EXPECT_EQ(answer.text("token_endpoint"), "https://chat.example/oauth2/token");
  EXPECT_EQ(json::write(answer.json.at("response_types_supported")), "[]");
  for (const auto& [issuer, url] : {std::pair{"foyer", "https://chat.example"},
           {"http://chat.example", "http://chat.example"}, {"https://other.example", "https://chat.example"}}) {
    auto policy = test_policy();
    policy.issuer = issuer;
    policy.public_url = url;
    ServicesWorld other(policy);
    const Answer none = other.call("GET", "/.well-known/oauth-authorization-server");
    EXPECT_EQ(none.status, 404);
    EXPECT_EQ(none.code(), "NOT_FOUND");
  }
}

// RFC 8414 §3.1: https://example.com/chat is looked up at /.well-known/oauth-authorization-server/chat.
TEST_F(OAuth, MetadataOfAnIssuerWithAPathStandsBetweenHostAndPath) {
  auto policy = test_policy();
  policy.issuer = policy.public_url = "https://example.com/chat";
  ServicesWorld below(policy);
  const Answer answer = below.call("GET", "/.well-known/oauth-authorization-server/chat");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("issuer"), "https://example.com/chat");
  EXPECT_EQ(answer.text("token_endpoint"), "https://example.com/chat/oauth2/token");
  EXPECT_EQ(answer.text("jwks_uri"), "https://example.com/chat/.well-known/jwks.json");
}

TEST_F(OAuth, TheLimitPerAddressHoldsHereToo) {
  auto policy = test_policy();
  policy.rate = {.burst = 2, .per_second = 0.1};
  ServicesWorld small(policy);
  const auto guess = [&] {
    return small.form("/oauth2/token", "grant_type=client_credentials", ServicesWorld::basic("auth", "wrong"));
  };
  guess();
  guess();
  const Answer third = guess();
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.text("error"), "temporarily_unavailable");
  EXPECT_EQ(third.header("Retry-After"), "10");
}

// ---- which token is accepted by which endpoint

// A token of a type, made anew for each try: some are single-use. `key` is that of the world.
std::string token_of(ServicesWorld& w, const jose::Key& key, std::string_view type) {
  const Answer in = w.register_user("alice");
  if (type == "access") return in.text("access_token");
  if (type == "refresh") return in.text("refresh_token");
  if (type == "ticket") return w.call("POST", "/auth/tickets", {.bearer = in.text("access_token")}).text("ticket");
  if (type == "service") return w.service_token("auth", kOwnSecret, "auth");
  if (type == "cookie") {
    const std::string set =
        w.post("/auth/login", R"({"name":"alice","password":"a quiet place","cookie":true})").header("Set-Cookie");
    return set.substr(set.find('=') + 1, 43);
  }
  // Valid except for the type: signed with our key, for our audience.
  const json::Object claims{{"iss", "https://chat.example"}, {"aud", "foyer"}, {"sub", "alice"}, {"client_id", "foyer"},
      {"jti", "j1"}, {"env", "test"}, {"scope", "chat:read"}, {"iat", unix_seconds(w.clock.wall())},
      {"exp", unix_seconds(w.clock.wall() + minutes{5})}};
  return jose::Signer::make(key).value().sign(claims, type == "doctor" ? "doctor+jwt" : "JWT");
}

// The code of the refusal, or "ok".
std::string at_door(ServicesWorld& w, std::string_view door, const std::string& token) {
  const auto outcome = [](const Answer& a) { return a.status < 300 ? std::string{"ok"} : a.code(); };
  const auto oauth = [](const Answer& a) {
    return a.status < 300 ? std::string{"ok"}
                          : a.text("error_description").substr(0, a.text("error_description").find(':'));
  };
  const auto verified = [](const Answer& a) {
    const auto said = auth::decode_verify_answer(a.json);
    return !said ? a.code() : said->identity ? std::string{"ok"} : std::string{said->identity.error().code()};
  };
  if (door == "/auth/* bearer") return outcome(w.call("GET", "/auth/me", {.bearer = token}));
  if (door == "/internal/* bearer")
    return outcome(w.post("/internal/revocations", R"({"after":0,"wait_ms":0})", {.bearer = token}));
  if (door == "/oauth2/* bearer") return oauth(w.form("/oauth2/introspect", "token=x", {.bearer = token}));
  if (door == "/auth/refresh") return outcome(w.refresh(token));
  if (door == "/oauth2/token") return oauth(w.form("/oauth2/token", "grant_type=refresh_token&refresh_token=" + token));
  if (door == "refresh by cookie")
    return outcome(
        w.call("POST", "/auth/refresh", {.cookie = "__Host-foyer_session=" + token, .origin = "https://chat.example"}));
  if (door == "socket cookie")
    return verified(w.signed_post("/internal/verify",
        json::write(auth::encode(auth::Question{auth::CookieRequest{.cookie = token, .address = "a", .ref = {}}}))));
  return verified(w.signed_post("/internal/verify",
      json::write(auth::encode(auth::Question{
          auth::TicketRequest{.ticket = token, .origin = {}, .address = "a", .attempt = "x", .ref = {}}}))));
}

// Only the diagonal: a token of one type is refused by every other endpoint, and the code
// names the type as the reason. Opaque tokens cannot be distinguished before a
// lookup; an endpoint for one kind does not know the others.
TEST(TokenTypes, EachOpensItsOwnDoorAndNoOther) {
  FixedEntropy own;
  const jose::Key key = jose::Key::generate(jose::Algorithm::eddsa, own);
  const std::string wrong = "WRONG_TOKEN_TYPE";
  const std::vector<std::string> types = {"access", "refresh", "cookie", "ticket", "service", "doctor", "id"};
  const std::vector<std::pair<std::string, std::vector<std::string>>> matrix = {
      //                     access refresh            cookie             ticket             service doctor id
      {"/auth/* bearer", {"ok", wrong, wrong, wrong, wrong, wrong, wrong}},
      {"/internal/* bearer", {wrong, wrong, wrong, wrong, "ok", wrong, wrong}},
      {"/oauth2/* bearer", {wrong, wrong, wrong, wrong, wrong, wrong, wrong}},
      {"/auth/refresh", {wrong, "ok", "REFRESH_UNKNOWN", "REFRESH_UNKNOWN", wrong, wrong, wrong}},
      {"/oauth2/token", {wrong, "ok", "REFRESH_UNKNOWN", "REFRESH_UNKNOWN", wrong, wrong, wrong}},
      {"refresh by cookie", {wrong, "REFRESH_UNKNOWN", "ok", "REFRESH_UNKNOWN", wrong, wrong, wrong}},
      {"socket cookie", {wrong, "SESSION_UNKNOWN", "ok", "SESSION_UNKNOWN", wrong, wrong, wrong}},
      {"ticket", {wrong, "TICKET_UNKNOWN", "TICKET_UNKNOWN", "ok", wrong, wrong, wrong}},
  };
  for (const auto& [door, row] : matrix)
    for (std::size_t i = 0; i < types.size(); ++i) {
      ServicesWorld w(test_policy(), key);
      EXPECT_EQ(at_door(w, door, token_of(w, key, types[i])), row[i]) << "a " << types[i] << " token at " << door;
    }
}

} // namespace
} // namespace foyer::accounts

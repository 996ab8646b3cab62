#include "accounts/http/internal_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "accounts/http/request_body.h"
#include "base/bytes.h"
#include "base/json.h"
#include "wire/problem.h"
#include "wire/request_fields.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kMaxBodyBytes = 64 * 1024;
constexpr Millis kLogContractEvery = std::chrono::minutes{1};
constexpr Millis kLogRefusedEvery = std::chrono::seconds{1}; // per cause, since anyone can send any number of requests

// The log lines about refused services, by cause.
struct LoggedRefusals {
  struct Line {
    MonoTime at{};
    std::int64_t not_logged = 0;
  };
  std::map<Cause, Line> lines;

  // The number of lines omitted since the last one; none: omit this one, too.
  std::optional<std::int64_t> line(Cause cause, MonoTime now) {
    const auto [found, is_new] = lines.try_emplace(cause, Line{.at = now});
    Line& last = found->second;
    if (!is_new && now - last.at < kLogRefusedEvery) {
      ++last.not_logged;
      return std::nullopt;
    }
    last.at = now;
    return std::exchange(last.not_logged, 0);
  }
};

// One request from its arrival to its single answer.
class Question : public std::enable_shared_from_this<Question> {
 public:
  Question(std::shared_ptr<InternalDeps> deps, std::shared_ptr<LoggedRefusals> logged, Request request, Reply reply)
      : deps_(std::move(deps)),
        logged_(std::move(logged)),
        request_(std::move(request)),
        reply_(std::move(reply)) {}

  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] InternalDeps& deps() const { return *deps_; }
  [[nodiscard]] const std::optional<ProvenService>& by_signature() const { return proven_; }
  [[nodiscard]] const json::Object& body() const { return body_; }

  // Authenticates the caller, then calls `then`, with the body read.
  void begin(bool signed_only, std::function<void()> then) {
    const bool claims = claims_a_service(request_);
    const bool bearer = request_.headers.find("authorization") != nullptr;
    if (claims && bearer)
      return refuse_with(
          {.cause = Cause::AMBIGUOUS_CREDENTIALS, .evidence = "a signature and an Authorization header"});
    if (bearer && !signed_only) return begin_with_token(std::move(then));
    if (bearer)
      return refuse_with({.cause = Cause::SERVICE_CREDENTIALS_MISSING,
          .evidence = "a challenge is answered only for a signed request",
          .field = "Authorization"});
    if (!claims)
      return refuse_service(
          {.cause = Cause::SERVICE_CREDENTIALS_MISSING, .evidence = "neither a signature nor a service token"});
    find_sender(
        &deps_->services, std::move(request_), [self = shared_from_this(), then = std::move(then)](Sender sender) {
      self->request_ = std::move(sender.request);
      if (sender.refused) return self->refuse_service(*sender.refused);
      self->proven_ = std::move(sender.service);
      self->read(then);
    });
  }

  void answer(const json::Object& body) {
    Response response = json_response(200, json::write(body));
    response.headers.set("Cache-Control", "no-store");
    send(std::move(response));
  }
  void refuse_with(const Refusal& refusal) {
    if (deps_->on_refusal) deps_->on_refusal(request_, refusal);
    send(wire::problem(refusal, request_.ref, deps_->service.policy().reveal));
  }

 private:
  // A caller that signed its request gets a signed answer.
  void send(Response response) {
    const std::string* nonce = request_.headers.find(auth::kServiceNonceHeader);
    if (proven_ && nonce != nullptr)
      response.headers.set(auth::kAnswerSignatureHeader,
          auth::sign_answer(proven_->key, proven_->service.id, *nonce, response.status, response.body));
    reply_(std::move(response));
  }

  void refuse_service(const Refusal& refusal) {
    if (const auto more = logged_->line(refusal.cause, deps_->clock.mono()))
      deps_->log.warning("service_refused", refusal.operator_text(),
          {{"code", refusal.code()}, {"path", request_.path}, {"address", request_.address},
              {"ref", request_.ref.view()}, {"not_logged", *more}});
    // An unproven sender's fingerprint is used only for our own log.
    if (refusal.cause == Cause::SERVICE_SECRET_REJECTED && request_.path == auth::kChallengePath) {
      const auto claim = auth::read_claim(request_);
      const auto value = json::parse(request_.body, {.bytes = kMaxBodyBytes, .depth = 4});
      if (claim && value && value->is_object())
        if (const auto challenge = auth::decode_challenge(value->as_object()))
          deps_->services.report_variant(claim->id, challenge->service_fingerprint);
    }
    refuse_with(refusal);
  }

  void begin_with_token(std::function<void()> then) {
    const auto token = bearer_token(request_);
    if (!token) return refuse_with(token.error());
    const std::string& own = deps_->services.own_id();
    const auto claims = deps_->tokens.verify(*token, own, deps_->clock.wall());
    if (!claims) return refuse_with(claims.error());
    const std::string id = claims->identity.user.str();
    const Service* service = deps_->services.find(id);
    if (service == nullptr)
      return refuse_service({.cause = Cause::SERVICE_UNKNOWN,
          .evidence = fmt::format("the token is of service {}, which is not registered", id)});
    if (service->disabled)
      return refuse_service(
          {.cause = Cause::SERVICE_NOT_ALLOWED, .evidence = fmt::format("service {} is disabled", id)});
    if (!service->may(own))
      return refuse_service({.cause = Cause::SERVICE_NOT_ALLOWED,
          .evidence = fmt::format("service {} may not call {} any more", id, own)});
    deps_->service.run(
        [self = shared_from_this(), token_id = claims->identity.token, then = std::move(then)]() mutable {
      self->deps_->store.token_revoked(token_id, [self, then = std::move(then)](Result<bool> revoked) mutable {
        self->deps_->service.run([self, then = std::move(then), revoked = std::move(revoked)] {
          if (!revoked) return self->refuse_with(revoked.error());
          if (*revoked)
            return self->refuse_with({.cause = Cause::TOKEN_REVOKED, .evidence = "the service token was revoked"});
          self->read(then);
        });
      });
    });
  }

  void read(const std::function<void()>& then) {
    if (!wire::is_of_type(request_.headers, "application/json"))
      return refuse_with(
          {.cause = Cause::CONTENT_TYPE_UNSUPPORTED, .evidence = "not application/json", .field = "Content-Type"});
    auto value = json::parse(request_.body, {.bytes = kMaxBodyBytes, .depth = 4});
    if (!value) return refuse_with({.cause = Cause::BAD_REQUEST, .evidence = "the body is not JSON: " + value.error()});
    if (!value->is_object())
      return refuse_with({.cause = Cause::BAD_REQUEST, .evidence = "the body is not a JSON object"});
    body_ = std::move(value->as_object());
    then();
  }

  const std::shared_ptr<InternalDeps> deps_;
  const std::shared_ptr<LoggedRefusals> logged_;
  Request request_;
  Reply reply_;
  json::Object body_;
  std::optional<ProvenService> proven_;
};
using QuestionPtr = std::shared_ptr<Question>;

// A refused credential is an answer; a credential that could not be checked is not.
Completion<Identity> then_identity(QuestionPtr q) {
  return [q = std::move(q)](Result<Identity> identity) {
    if (!identity && identity.error().info().http >= 500) return q->refuse_with(identity.error());
    q->answer(auth::encode(identity));
  };
}

void verify(const QuestionPtr& q) {
  auto question = auth::decode_question(q->body(), q->request().ref);
  if (!question) return q->refuse_with(question.error());
  if (auto* ticket = std::get_if<auth::TicketRequest>(&*question))
    return q->deps().service.redeem_ticket(std::move(*ticket), then_identity(q));
  q->deps().service.check_cookie(std::get<auth::CookieRequest>(std::move(*question)), then_identity(q));
}

// One after another: the last lookup answers.
void people(const QuestionPtr& q) {
  auto questions = auth::decode_people_question(q->body());
  if (!questions) return q->refuse_with(questions.error());
  struct Search {
    std::vector<auth::PersonRequest> left;
    std::vector<auth::FoundPerson> found;
  };
  const auto search = std::make_shared<Search>(Search{.left = std::move(*questions), .found = {}});
  std::ranges::reverse(search->left);
  const auto next = [q, search](const auto& self) -> void {
    if (search->left.empty()) return q->answer(auth::encode(search->found));
    auth::PersonRequest question = std::move(search->left.back());
    search->left.pop_back();
    const std::string asked = question.id.empty() ? question.name : question.id;
    q->deps().service.find_person(
        std::move(question), [q, search, asked, self](Result<std::optional<auth::Person>> person) {
      q->deps().service.run([q, search, asked, self, person = std::move(person)]() mutable {
        if (!person) return q->refuse_with(person.error());
        if (*person) search->found.push_back({.asked = asked, .person = std::move(**person)});
        self(self);
      });
    });
  };
  next(next);
}

void revocations(const QuestionPtr& q) {
  const auto question = auth::decode_revocation_question(q->body());
  if (!question) return q->refuse_with(question.error());
  q->deps().polls.ask(*question, [q](Result<auth::RevocationAnswer> answer) {
    if (!answer) return q->refuse_with(answer.error());
    q->answer(auth::encode(*answer));
  });
}

// The caller checks whether the two match: the answer describes this side. A
// different contract is reported there by its number, and here in the log.
void challenge(const QuestionPtr& q, const std::shared_ptr<std::optional<MonoTime>>& logged) {
  const auto asked = auth::decode_challenge(q->body());
  if (!asked) return q->refuse_with(asked.error());
  auto& deps = q->deps();
  const ProvenService& who = *q->by_signature();
  const MonoTime now = deps.clock.mono();
  if (!auth::serves_contract(asked->contract) && (!*logged || now - **logged >= kLogContractEvery)) {
    *logged = now;
    deps.log.error("contract_mismatch",
        fmt::format("gateway {} (version {}, build {}) speaks contract {}, this auth service speaks {}", who.service.id,
            printable(asked->version, 64), printable(asked->build, 64), asked->contract, auth::kContractVersion),
        {{"code", code_of(Cause::CONTRACT_MISMATCH)}, {"service", who.service.id}, {"ref", q->request().ref.view()}});
  }
  const int spoken = auth::serves_contract(asked->contract) ? asked->contract : auth::kContractVersion;
  auth::ChallengeAnswer answer{.contract = spoken,
      .version = deps.facts.version,
      .build = deps.facts.build,
      .environment = deps.facts.environment,
      .issuer = deps.facts.issuer,
      .audience = deps.facts.audience,
      .time = deps.clock.wall(),
      .proof = auth::challenge_proof(who.key, asked->nonce),
      .jwt_fingerprints = deps.facts.jwt_fingerprints,
      .kids = {},
      .signing_kid = deps.facts.signing_kid ? deps.facts.signing_kid() : std::string{}};
  const auto keys = deps.tokens.tools().keys();
  for (const auto& key : keys->keys())
    if (!key.symmetric()) answer.kids.push_back(key.kid());
  std::ranges::sort(answer.kids);
  q->answer(auth::encode(answer));
}

} // namespace

std::vector<Route> internal_routes(InternalDeps deps) {
  const auto shared = std::make_shared<InternalDeps>(std::move(deps));
  const auto refused = std::make_shared<LoggedRefusals>();
  const auto route = [shared, refused](
                         std::string_view path, bool signed_only, std::function<void(const QuestionPtr&)> handle) {
    Handler handler = [shared, refused, signed_only, handle = std::move(handle)](Request request, Reply reply) {
      auto q = std::make_shared<Question>(shared, refused, std::move(request), std::move(reply));
      shared->service.run([q, signed_only, handle] { q->begin(signed_only, [q, handle] { handle(q); }); });
    };
    return Route{"POST", std::string{path}, std::move(handler)};
  };
  const auto logged = std::make_shared<std::optional<MonoTime>>();
  return {
      route(auth::kVerifyPath, false, verify),
      route(auth::kPeoplePath, false, people),
      route(auth::kRevocationsPath, false, revocations),
      route(auth::kChallengePath, true, [logged](const QuestionPtr& q) { challenge(q, logged); }),
  };
}

} // namespace foyer::accounts

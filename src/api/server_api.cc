#include "api/server_api.h"

#include <fmt/format.h>

#include <utility>

#include "api/door.h"
#include "api/limits.h"
#include "api/write.h"
#include "base/bytes.h"
#include "gateway/all_clients.h"
#include "wire/api_error.h"
#include "wire/problem.h"

namespace foyer::api {
namespace {

constexpr std::string_view kRightField = "needs"; // of a refusal for lack of a right; the evidence names it

bool errors_by_status(const Request& request) {
  const std::string* mode = request.headers.find("X-Centrifugo-Error-Mode");
  return mode != nullptr && iequals(*mode, "transport");
}

Refusal bad_request(std::string detail) {
  return {.cause = Cause::BAD_REQUEST, .evidence = detail, .field = "body", .detail = std::move(detail)};
}

Result<json::Value> object_in(std::string_view text) {
  auto value = json::parse(text, {.bytes = text.size(), .depth = kDepth});
  if (!value) return std::unexpected(bad_request("The body is not JSON: " + printable(value.error(), 200) + "."));
  if (!value->is_object()) return std::unexpected(bad_request("The body is not a JSON object."));
  return std::move(*value);
}

Refusal unknown_method(std::string_view name) {
  return {.cause = Cause::API_METHOD_UNKNOWN,
      .evidence = printable(name, 64),
      .field = "method",
      .detail = fmt::format("There is no method `{}`.", printable(name, 64))};
}

// The fields of a request; null: it is none. PHP writes an empty list for an object without members.
std::optional<json::Object> fields_in(const json::Value& value) {
  if (value.is_object()) return value.get_object();
  if (value.is_array() && value.get_array().empty()) return json::Object{};
  return std::nullopt;
}

// A command of a batch: {"METHOD":{…}}.
Command command_of(const json::Object& object, std::string_view text) {
  Command command;
  if (object.size() != 1) return command;
  auto fields = fields_in(object.begin()->value());
  if (!fields) return command;
  command.name = object.begin()->key();
  command.method = find_method(command.name);
  command.request = std::move(*fields);
  command.text = raw_members(text).front().value;
  return command;
}

// A line: {"method":…,"params":{…}}.
Result<Command> command_of_line(std::string_view line) {
  TRY(value, object_in(line));
  Command command;
  const json::Object& object = value.get_object();
  const auto raw = raw_members(line);
  std::size_t place = 0;
  for (const auto& [name, member] : object) {
    const std::string_view text = raw.at(place++).value;
    if (iequals(name, "method") && member.is_string()) {
      command.name = member.get_string();
    } else if (auto fields = iequals(name, "params") ? fields_in(member) : std::nullopt) {
      command.request = std::move(*fields);
      command.text = text;
    } else if (!iequals(name, "params") || !member.is_null()) {
      return std::unexpected(bad_request("A line must be {\"method\":…,\"params\":{…}}."));
    }
  }
  if (command.name.empty()) return std::unexpected(bad_request("A line must name a method."));
  command.method = find_method(command.name);
  return command;
}

// A message in the name of a user, too: the room does not tell which application it was.
bool logs(const Method& method, const Arguments& arguments) { return method.logged || arguments.has("from"); }

} // namespace

struct ServerApi::Exchange : Origin {
  Exchange(const ServerApi& of, Request r, Reply to) : api(of), request(std::move(r)), reply(std::move(to)) {}
  [[nodiscard]] const Ref& ref() const override { return request.ref; }
  void report_part(const Refusal& refusal) const override { api.report(*this, refusal); }

  const ServerApi& api;
  Request request;
  Reply reply;
  CallerPtr caller = nullptr;
  std::shared_ptr<bool> replayed = std::make_shared<bool>(false);
  std::string hint = {}; // about the first id that belongs to nobody
};

ServerApi::ServerApi(ApiDeps deps)
    : deps_(std::move(deps)),
      rates_(std::make_unique<Rates>(deps_.requests_per_s, deps_.requests_burst, deps_.metrics)) {
  for (const Method& method : methods())
    calls_.push_back(&deps_.metrics.counter(
        "foyer_api_calls_total", "Calls of methods of the server API.", {{"method", std::string(method.name)}}));
}

void ServerApi::report(const Exchange& exchange, const Refusal& refusal) const {
  const OnRefusal& on_refusal = exchange.caller ? deps_.on_error : deps_.on_refusal;
  if (on_refusal) on_refusal(exchange.request, refusal);
}

void ServerApi::report_all(const Exchange& exchange, const Replies& replies) const {
  for (const auto& reply : replies)
    if (!reply) report(exchange, reply.error());
}

void ServerApi::refuse_whole(Exchange& exchange, const Refusal& refusal) const {
  report(exchange, refusal);
  Response response = wire::problem(refusal, exchange.request.ref, deps_.development);
  if (refusal.field == kRightField) {
    json::Value document = json::parse(response.body).value();
    document.as_object()["needs"] = refusal.evidence;
    document.as_object()["error"] = wire::api_error(refusal, exchange.request.ref);
    response.body = json::write(document);
  }
  exchange.reply(std::move(response));
}

void ServerApi::answer(Exchange& exchange, const Result<Answer>& given) const {
  if (!given && given.error().field == kRightField) return refuse_whole(exchange, given.error());
  if (!given) report(exchange, given.error());
  if (!given && errors_by_status(exchange.request)) {
    const json::Object error = wire::api_error(given.error(), exchange.request.ref);
    json::Object body;
    body["code"] = error.at("code");
    body["message"] = error.at("message");
    body["error"] = error;
    const int status = wire::api_error_status(static_cast<int>(json::get_int(error, "code").value_or(100)));
    return exchange.reply(json_response(status, json::write(body)));
  }
  std::string text;
  append_reply(text, given, exchange.request.ref);
  Response response = json_response(200, std::move(text));
  if (*exchange.replayed) response.headers.add("Idempotency-Replayed", "true");
  send(exchange, std::move(response));
}

void ServerApi::enter(Request request, Reply reply, std::move_only_function<void(ExchangePtr)> next) const {
  auto exchange = std::make_shared<Exchange>(*this, std::move(request), std::move(reply));
  auto sent = sent_credential(exchange->request);
  if (!sent) return refuse_whole(*exchange, sent.error());
  deps_.keys.find(std::move(*sent), [this, exchange, next = std::move(next)](Result<CallerPtr> caller) mutable {
    if (!caller) return refuse_whole(*exchange, caller.error());
    exchange->caller = std::move(*caller);
    if (auto refusal = rates_->take(*exchange->caller, deps_.context.clock.mono()))
      return refuse_whole(*exchange, *refusal);
    next(std::move(exchange));
  });
}

// The answer stays what Centrifugo's libraries expect: what is said about an id goes into a header and the log.
std::string ServerApi::note_hint(Exchange& exchange, const Arguments& arguments) const {
  if (!deps_.context.users.any()) return {};
  for (const std::string_view user : arguments.users()) {
    std::string hint = deps_.context.users.hint(user);
    if (hint.empty()) continue;
    if (exchange.hint.empty()) exchange.hint = hint;
    return hint;
  }
  return {};
}

void ServerApi::send(Exchange& exchange, Response response) {
  if (!exchange.hint.empty()) response.headers.add("X-Foyer-Hint", exchange.hint);
  exchange.reply(std::move(response));
}

Completion<Answer> ServerApi::logging(const Caller& caller, const Method& method, const Arguments& arguments,
    std::string hint, Completion<Answer> done) const {
  const std::string key = std::visit([](const auto& id) { return id.str(); }, caller.id);
  const Arguments* from = arguments.object("from");
  std::string user{from == nullptr ? arguments.text("user") : from->text("id")};
  return [this, key, name = caller.name, &method, room = std::string(arguments.text("channel")), user = std::move(user),
             hint = std::move(hint), done = std::move(done)](Result<Answer> result) mutable {
    if (result && hint.empty())
      deps_.log.info("api_change", method.says,
          {{"method", method.name}, {"key", key}, {"name", name}, {"room", room}, {"user", user}});
    else if (result)
      deps_.log.info("api_change", method.says,
          {{"method", method.name}, {"key", key}, {"name", name}, {"room", room}, {"user", user}, {"hint", hint}});
    done(std::move(result));
  };
}

void ServerApi::run(const ExchangePtr& exchange, const Method& method, const json::Object& request,
    std::string_view text, Completion<Answer> done, std::shared_ptr<bool> replayed) const {
  calls_[static_cast<std::size_t>(&method - methods().data())]->add();
  auto arguments = Arguments::read(method.fields, request, text, deps_.context.users);
  if (!arguments) return done(std::unexpected(std::move(arguments).error()));
  std::string hint = note_hint(*exchange, *arguments);
  if (method.changes.empty() || !arguments->has("idempotency_key")) {
    if (logs(method, *arguments))
      done = logging(*exchange->caller, method, *arguments, std::move(hint), std::move(done));
    return method.run(deps_.context, Call(exchange->caller, exchange, std::move(*arguments), std::move(done)));
  }
  run_once(Call(exchange->caller, exchange, std::move(*arguments), {}), method, request, std::move(hint),
      std::move(done), std::move(replayed));
}

void ServerApi::run_once(Call call, const Method& method, const json::Object& request, std::string hint,
    Completion<Answer> done, std::shared_ptr<bool> replayed) const {
  using access::CallEffect;
  // Several nodes have no memory in common.
  const CallEffect in_memory = deps_.context.clients.has_others() ? CallEffect::other : CallEffect::memory;
  const CallEffect of_message = deps_.context.rooms.durable(call.room()) ? CallEffect::message : in_memory;
  const std::string key_id = std::visit([](const auto& id) { return id.str(); }, call.caller().id);
  access::CallRequest once{
      .key = {key_id, std::string(method.name), std::string(call.arguments.text("idempotency_key"))},
      .body_hash = access::hash_of_call(request),
      .effect = method.stores_message ? of_message : CallEffect::other};
  if (once.effect == CallEffect::message)
    once.answer = [](const rooms::Appended& stored) { return position(stored.offset, stored.epoch); };
  deps_.context.calls.run(std::move(once),
      [this, &method, call = std::move(call), hint = std::move(hint)](
          rooms::CallRecordPtr record, Completion<std::string> worked) mutable {
    if (logs(method, call.arguments))
      worked = logging(call.caller(), method, call.arguments, std::move(hint), std::move(worked));
    Call with_record = std::move(call).answered_to(std::move(worked));
    with_record.record = std::move(record);
    method.run(deps_.context, std::move(with_record));
  },
      [done = std::move(done), replayed = std::move(replayed)](Result<access::CallAnswer> answer) mutable {
    if (!answer) return done(std::unexpected(std::move(answer).error()));
    if (replayed) *replayed = answer->replayed;
    done(std::move(answer->text));
  });
}

void ServerApi::call(const Method& method, Request request, Reply reply) const {
  enter(std::move(request), std::move(reply), [this, &method](ExchangePtr exchange) {
    auto body = object_in(exchange->request.body);
    if (!body) return refuse_whole(*exchange, body.error());
    if (method.stream != nullptr) return run_stream(exchange, method, body->get_object());
    if (method.run == nullptr) return run_batch(exchange, body->get_object());
    run(exchange, method, body->get_object(), exchange->request.body,
        [this, exchange](Result<Answer> done) { answer(*exchange, done); }, exchange->replayed);
  });
}

void ServerApi::run_command(const ExchangePtr& exchange, Command& command, Completion<Answer> done) const {
  if (command.name.empty()) return done(std::unexpected(bad_request("A command names one method, with its request.")));
  if (command.method == nullptr) return done(std::unexpected(unknown_method(command.name)));
  if (command.method->run == nullptr)
    return done(std::unexpected(bad_request(fmt::format("`{}` must be a request of its own.", command.method->name))));
  run(exchange, *command.method, command.request, command.text, std::move(done));
}

void ServerApi::run_stream(const ExchangePtr& exchange, const Method& method, const json::Object& request) const {
  calls_[static_cast<std::size_t>(&method - methods().data())]->add();
  auto arguments = Arguments::read(method.fields, request, exchange->request.body, deps_.context.users);
  if (!arguments) return answer(*exchange, std::unexpected(std::move(arguments).error()));
  (void)note_hint(*exchange, *arguments);
  auto source = method.stream(deps_.context, *exchange->caller, *arguments);
  if (!source) return answer(*exchange, std::unexpected(std::move(source).error()));
  Response response;
  response.headers.add("Content-Type", "application/x-ndjson");
  response.stream = std::move(*source);
  send(*exchange, std::move(response));
}

void ServerApi::run_batch(const ExchangePtr& exchange, const json::Object& request) const {
  const Method& method = *find_method("batch");
  calls_[static_cast<std::size_t>(&method - methods().data())]->add();
  auto arguments = Arguments::read(method.fields, request, exchange->request.body);
  if (!arguments) return answer(*exchange, std::unexpected(std::move(arguments).error()));
  const auto raw = raw_members(arguments->json_text("commands"));
  std::vector<Command> commands;
  for (const json::Value& each : *arguments->list("commands"))
    commands.push_back(command_of(each.get_object(), raw.at(commands.size()).value));
  run_in_order(std::move(commands), [this, exchange](Command& command, Completion<Answer> done) {
    run_command(exchange, command, std::move(done));
  }, [this, exchange](const std::vector<Command>& ran, const Replies& replies) {
    report_all(*exchange, replies);
    std::string out = R"({"replies":[)";
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (i > 0) out += ',';
      if (replies[i])
        out.append(R"({")").append(ran[i].method->name).append(R"(":)").append(*replies[i]).append("}");
      else
        append_reply(out, replies[i], exchange->request.ref);
    }
    send(*exchange, json_response(200, out + "]}"));
  });
}

void ServerApi::call_lines(Request request, Reply reply) const {
  enter(std::move(request), std::move(reply), [this](ExchangePtr exchange) {
    std::vector<Command> commands;
    std::string_view rest = exchange->request.body;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      auto command = command_of_line(line);
      if (!command) return refuse_whole(*exchange, command.error());
      commands.push_back(std::move(*command));
    }
    if (commands.empty() || commands.size() > static_cast<std::size_t>(kMostCommands))
      return refuse_whole(*exchange, bad_request(fmt::format("The body must have 1 to {} lines.", kMostCommands)));
    run_in_order(std::move(commands), [this, exchange](Command& command, Completion<Answer> done) {
      run_command(exchange, command, std::move(done));
    }, [this, exchange](const std::vector<Command>&, const Replies& replies) {
      report_all(*exchange, replies);
      std::string out;
      for (const auto& each : replies) {
        if (!out.empty()) out += '\n';
        append_reply(out, each, exchange->request.ref);
      }
      send(*exchange, json_response(200, std::move(out)));
    });
  });
}

void ServerApi::unknown(Request request, Reply reply) const {
  enter(std::move(request), std::move(reply), [this](ExchangePtr exchange) {
    const auto& name = exchange->request.path_args;
    refuse_whole(*exchange, unknown_method(name.empty() ? std::string_view{} : std::string_view{name.front()}));
  });
}

std::vector<Route> routes(const std::function<const ServerApi&()>& api) {
  std::vector<Route> out;
  for (const Method& method : methods())
    out.push_back({"POST", "/api/" + std::string(method.name), [api, &method](Request request, Reply reply) {
      api().call(method, std::move(request), std::move(reply));
    }, true});
  const auto lines = [api](Request request, Reply reply) { api().call_lines(std::move(request), std::move(reply)); };
  for (const char* path : {"/api", "/api/"}) out.push_back({"POST", path, lines, true});
  out.push_back({"POST", "/api/{method}",
      [api](Request request, Reply reply) { api().unknown(std::move(request), std::move(reply)); }, true});
  return out;
}

} // namespace foyer::api

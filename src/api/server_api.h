// The server API over HTTP: what an application does with rooms and users, with a key.
//
//   POST /api/METHOD   a JSON object         {"result":{…}} or {"error":{…}}
//   POST /api          lines of {"method":…,"params":{…}}, answered by as many lines in order
//
// Names, shapes and numbers of errors are those of Centrifugo's HTTP API, so that its server libraries work. What a
// method refuses is answered with status 200; what is refused before any method has the request, and a missing right,
// with a problem that has the same `error`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/call.h"
#include "api/rates.h"
#include "api/sequence.h"
#include "base/http.h"
#include "base/log.h"
#include "base/metrics.h"

namespace foyer::api {

struct ApiDeps {
  Context context;
  KeyRing& keys;
  Metrics& metrics;
  Log& log;
  std::uint64_t requests_per_s = 0; // of each application
  std::uint64_t requests_burst = 0;
  bool development = false;  // problems carry the operator's text
  OnRefusal on_refusal = {}; // of requests without a good key; may be empty; any thread
  OnRefusal on_error = {};   // of an application's requests; likewise
};

// Thread safe: requests are handled on the loops of their connections.
class ServerApi {
 public:
  explicit ServerApi(ApiDeps deps);

  void call(const Method& method, Request request, Reply reply) const;
  void call_lines(Request request, Reply reply) const;
  // A method that the table does not have.
  void unknown(Request request, Reply reply) const;

 private:
  struct Exchange; // a request, and where its answer goes
  using ExchangePtr = std::shared_ptr<Exchange>;

  // Continues with the caller, or answers that there is none.
  void enter(Request request, Reply reply, std::move_only_function<void(ExchangePtr)> next) const;
  void run(const ExchangePtr& exchange, const Method& method, const json::Object& request, std::string_view text,
      Completion<Answer> done, std::shared_ptr<bool> replayed = {}) const;
  // Once for each idempotency key; `replayed`, if given, tells whether the answer is that of an earlier call.
  void run_once(Call call, const Method& method, const json::Object& request, std::string hint, Completion<Answer> done,
      std::shared_ptr<bool> replayed) const;
  // Writes the change to the log, once it has succeeded.
  // `hint`: what note_hint() said.
  Completion<Answer> logging(const Caller& caller, const Method& method, const Arguments& arguments, std::string hint,
      Completion<Answer> done) const;
  [[nodiscard]] std::string note_hint(Exchange& exchange, const Arguments& arguments) const;
  static void send(Exchange& exchange, Response response);
  void run_command(const ExchangePtr& exchange, Command& command, Completion<Answer> done) const;
  void run_stream(const ExchangePtr& exchange, const Method& method, const json::Object& request) const;
  void run_batch(const ExchangePtr& exchange, const json::Object& request) const;
  void refuse_whole(Exchange& exchange, const Refusal& refusal) const;
  void answer(Exchange& exchange, const Result<Answer>& given) const;
  void report(const Exchange& exchange, const Refusal& refusal) const;
  void report_all(const Exchange& exchange, const Replies& replies) const;

  ApiDeps deps_;
  std::unique_ptr<Rates> rates_;
  std::vector<Counter*> calls_; // parallel to methods()
};

// `api`: asked at each request, because routes are made first.
[[nodiscard]] std::vector<Route> routes(const std::function<const ServerApi&()>& api);

} // namespace foyer::api

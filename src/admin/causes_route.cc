#include <fmt/format.h>

#include "admin/routes.h"
#include "admin/web_assets.h"
#include "base/bytes.h"
#include "base/cause.h"
#include "base/cause_page.h"
#include "base/json.h"
#include "wire/problem.h"

namespace foyer::admin {
namespace {

// HTML for clients that accept it by name (browsers do), JSON for all others.
bool wants_html(const Request& request) {
  return request.headers.joined("Accept").find("text/html") != std::string::npos;
}

Response html(std::string body) {
  return {200, Headers{{"Content-Type", "text/html; charset=utf-8"}, {"Cache-Control", "no-cache"}, {"Vary", "Accept"}},
      std::move(body)};
}

// For pages of every origin: what a refusal means is no secret, and one that is refused wants to know.
Response data(const json::Value& value) {
  Response response = json_response(200, json::write(value));
  response.headers.add("Cache-Control", "no-cache");
  response.headers.add("Vary", "Accept");
  response.headers.add("Access-Control-Allow-Origin", "*");
  return response;
}

Response page_of(const CauseInfo& cause, const WebAsset& page) {
  const auto number = [](std::uint16_t n) { return n == 0 ? std::string() : std::to_string(n); };
  const std::string http = number(cause.http);
  const std::string close = number(cause.close);
  return html(fill_template(page.bytes,
      {{"code", cause.code}, {"client", cause.client}, {"operator", cause.operator_text}, {"next", cause.next},
          {"step", to_string(cause.step)}, {"who_text", actor_of(cause.who)}, {"retry_text", advice_of(cause.retry)},
          {"http", http}, {"close", close}}));
}

// All causes in the order of diagnosis, a heading for each step. The catalogue's
// texts go through the template, which escapes them.
Response page_of_all() {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Causes · Foyer</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1, viewport-fit=cover\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"icon.svg\" "
      "type=\"image/svg+xml\">\n"
      "<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n<main class=\"arrival cause\">\n"
      "<p class=\"wordmark\"><a href=\".\">Foyer</a></p>\n<h1>Causes</h1>\n"
      "<p class=\"lead\">All refusals, in the order of the checks.</p>\n";
  for (std::size_t i = 0; i < kStepCount; ++i) {
    const Step step = static_cast<Step>(i);
    std::string rows;
    for (const CauseInfo& cause : all_causes()) {
      if (cause.step != step) continue;
      rows += fill_template(
          "<div><dt><a href=\"causes/{{code}}\"><code>{{code}}</code></a></dt><dd>{{client}}</dd></div>\n",
          {{"code", cause.code}, {"client", cause.client}});
    }
    if (!rows.empty()) out += fmt::format("<h2>{}</h2>\n<dl class=\"facts\">\n{}</dl>\n", to_string(step), rows);
  }
  out += "</main>\n</body>\n</html>\n";
  return html(std::move(out));
}

} // namespace

std::vector<Route> causes_routes(const ApiDeps& deps) {
  return {
      {"GET", "/causes",
          [](const Request& request, Reply reply) {
    if (wants_html(request)) return reply(page_of_all());
    json::Array rows;
    for (const CauseInfo& cause : all_causes()) rows.push_back(cause_to_json(cause));
    reply(data(std::move(rows)));
  }},
      {"GET", "/causes/{code}",
          [development = deps.development](const Request& request, Reply reply) {
    const auto cause = find_cause(request.path_args.at(0));
    if (!cause) {
      const Refusal unknown{
          .cause = Cause::NOT_FOUND, .evidence = "no cause " + printable(request.path_args.at(0), 64)};
      return reply(wire::problem(unknown, request.ref, development));
    }
    const WebAsset* page = wants_html(request) ? find_web_asset("/cause.html") : nullptr;
    reply(page != nullptr ? page_of(info(*cause), *page) : data(cause_to_json(info(*cause))));
  }},
  };
}

} // namespace foyer::admin

#include "admin/openapi.h"

#include <array>
#include <map>
#include <set>
#include <stdexcept>

#include "base/bytes.h"
#include "base/json.h"

namespace foyer::admin {
namespace {

constexpr std::string_view kProblem = R"({
  "type":"object","description":"A refusal (RFC 9457). `code` names its cause; /causes/CODE explains it.",
  "required":["type","title","status","detail","code","step","ref","retry","next"],
  "properties":{
    "type":{"type":"string","description":"The page of the cause, /causes/CODE."},
    "title":{"type":"string"},"status":{"type":"integer"},
    "detail":{"type":"string","description":"One sentence that is safe to show to anyone."},
    "code":{"type":"string","pattern":"^[A-Z][A-Z0-9_]*$"},
    "step":{"type":"string"},
    "ref":{"type":"string","description":"The reference under which the server logged this refusal."},
    "retry":{"type":"string","enum":["never","refresh","after"]},
    "retry_after_ms":{"type":"integer","minimum":0},
    "next":{"type":"string","description":"The next step, imperative."},
    "field":{"type":"string","description":"The member, parameter or header that is wrong."}}})";

// What the server itself may answer to any request, before an operation sees it.
constexpr std::array kEvery = {Cause::BAD_REQUEST, Cause::HOST_NOT_ALLOWED, Cause::HEADERS_TOO_LARGE,
    Cause::TARGET_TOO_LONG, Cause::REQUEST_TIMEOUT, Cause::ADDRESS_RATE_LIMIT, Cause::CONNECT_RATE_LIMIT, Cause::BUSY,
    Cause::DRAINING, Cause::INTERNAL_ERROR};
constexpr std::array kWithToken = {Cause::NO_TOKEN, Cause::TOKEN_IN_URL, Cause::AMBIGUOUS_CREDENTIALS,
    Cause::INVALID_FORMAT, Cause::WRONG_TOKEN_TYPE, Cause::ALGORITHM_NOT_ALLOWED, Cause::KEY_UNKNOWN,
    Cause::SIGNATURE_INVALID, Cause::TOKEN_EXPIRED, Cause::TOKEN_NOT_YET_VALID, Cause::ISSUER_MISMATCH,
    Cause::AUDIENCE_MISMATCH, Cause::ENVIRONMENT_MISMATCH, Cause::CLAIM_MISSING, Cause::TOKEN_REVOKED,
    Cause::SESSION_REVOKED, Cause::SESSION_UNKNOWN, Cause::USER_UNKNOWN, Cause::USER_DISABLED};
constexpr std::array kWithBody = {Cause::CONTENT_TYPE_UNSUPPORTED, Cause::BODY_TOO_LARGE};

std::string_view type_name(MemberType type) {
  switch (type) {
    case MemberType::text: return "string";
    case MemberType::flag: return "boolean";
    case MemberType::number: return "integer";
    case MemberType::list: return "array";
    case MemberType::object: return "object";
    case MemberType::any: return "";
  }
  return "";
}

json::Value read(std::string_view text) {
  auto value = json::parse(text);
  if (!value) throw std::logic_error("a schema is not JSON: " + value.error() + ": " + std::string{text.substr(0, 80)});
  return std::move(*value);
}

void add_new(json::Object& to, std::string_view name, json::Value value) {
  if (to.contains(name)) throw std::logic_error("described twice: " + std::string{name});
  to[name] = std::move(value);
}

json::Object reference(std::string_view name) { return {{"$ref", std::string{"#/components/schemas/"}.append(name)}}; }

class Document {
 public:
  Document(const std::vector<Described>& modules, const OpenApiInfo& info) : info_(info) {
    schemas_["Problem"] = read(kProblem);
    for (const Described& module : modules) {
      for (const NamedSchema& schema : module.schemas) add_new(schemas_, schema.name, read(schema.schema));
      if (const auto* more = module.components.if_contains("schemas"))
        for (const auto& schema : more->as_object()) add_new(schemas_, schema.key(), schema.value());
      if (const auto* more = module.components.if_contains("securitySchemes"))
        for (const auto& scheme : more->as_object()) add_new(security_schemes_, scheme.key(), scheme.value());
    }
    for (const Described& module : modules)
      for (const Operation& operation : module.operations) add(operation);
    for (const Described& module : modules)
      for (const auto& path : module.paths) {
        add_new(paths_, path.key(), path.value());
        for (const auto& operation : path.value().as_object())
          if (const auto* tags = operation.value().as_object().if_contains("tags"))
            for (const auto& tag : tags->as_array()) tags_.insert(std::string{tag.as_string()});
      }
  }

  [[nodiscard]] std::string written() {
    json::Array tags;
    for (const auto& tag : tags_) tags.push_back(json::Object{{"name", tag}});
    return json::write(json::Object{{"openapi", "3.1.0"},
        {"info",
            json::Object{{"title", "Foyer"}, {"version", info_.version},
                {"description", "Every refusal has one cause: `code`, with its page at /causes/CODE."},
                {"license", json::Object{{"name", "Apache License 2.0"}, {"identifier", "Apache-2.0"}}}}},
        {"servers", json::Array{json::Object{{"url", info_.server}}}}, {"tags", std::move(tags)},
        {"paths", std::move(paths_)},
        {"components",
            json::Object{{"schemas", std::move(schemas_)}, {"securitySchemes", std::move(security_schemes_)}}}});
  }

 private:
  static json::Object security_schemes() {
    const auto api_key = [](std::string_view in, std::string_view name, std::string_view about) {
      return json::Object{{"type", "apiKey"}, {"in", in}, {"name", name}, {"description", about}};
    };
    return {
        {"bearer",
            json::Object{
                {"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}, {"description", "An access token."}}},
        {"session", api_key("cookie", "__Host-foyer_session", "The session of a browser.")},
        {"client",
            json::Object{
                {"type", "http"}, {"scheme", "basic"}, {"description", "A registered service: id and secret."}}},
    };
  }

  [[nodiscard]] json::Value schema_of(std::string_view schema) const {
    if (schema.starts_with('{')) return read(schema);
    if (!schemas_.contains(schema)) throw std::logic_error("unknown schema " + std::string{schema});
    return reference(schema);
  }

  [[nodiscard]] json::Object schema_of(const Member& member) const {
    json::Object out;
    if (member.type != MemberType::any) out["type"] = type_name(member.type);
    const auto bound = [&](std::string_view for_text, std::string_view for_number, std::string_view for_list) {
      return member.type == MemberType::number ? for_number : member.type == MemberType::list ? for_list : for_text;
    };
    if (member.min) out[bound("minLength", "minimum", "minItems")] = *member.min;
    if (member.max) out[bound("maxLength", "maximum", "maxItems")] = *member.max;
    if (!member.pattern.empty()) out["pattern"] = member.pattern;
    if (!member.format.empty()) out["format"] = member.format;
    if (!member.schema.empty()) {
      json::Value more = schema_of(member.schema);
      if (member.type == MemberType::list) {
        out["items"] = std::move(more);
      } else {
        for (auto& entry : more.as_object()) out[entry.key()] = std::move(entry.value());
      }
    }
    if (!member.about.empty()) out["description"] = member.about;
    return out;
  }

  [[nodiscard]] json::Object body_of(const Operation& operation) const {
    json::Object properties;
    json::Array required;
    for (const Member& member : operation.body) {
      properties[member.name] = schema_of(member);
      if (member.required) required.emplace_back(member.name);
    }
    // Unknown parameters of a form are ignored, but none may come twice (RFC 6749 §3.2).
    json::Value others = false;
    if (operation.form == BodyForm::form) others = json::Object{{"type", "string"}};
    json::Object schema{
        {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", std::move(others)}};
    const bool needed = operation.body_required || !required.empty();
    if (!required.empty()) schema["required"] = std::move(required);
    if (!operation.body_rule.empty()) schema["allOf"] = json::Array{read(operation.body_rule)};
    const std::string_view type =
        operation.form == BodyForm::form ? "application/x-www-form-urlencoded" : "application/json";
    return {{"required", needed}, {"content", json::Object{{type, json::Object{{"schema", std::move(schema)}}}}}};
  }

  [[nodiscard]] json::Array parameters_of(const Operation& operation) const {
    json::Array out;
    for (std::size_t at = 0; (at = operation.path.find('{', at)) != std::string_view::npos;) {
      const std::size_t end = operation.path.find('}', at);
      const std::string_view name = operation.path.substr(at + 1, end - at - 1);
      Member member{.name = name};
      for (const Member& known : operation.path_args)
        if (known.name == name) member = known;
      json::Object schema = schema_of(member);
      if (!member.min && member.type == MemberType::text) schema["minLength"] = 1; // an empty segment is another path
      out.push_back(parameter("path", name, true, std::move(schema)));
      at = end;
    }
    for (const Member& member : operation.query)
      out.push_back(parameter("query", member.name, member.required, schema_of(member)));
    return out;
  }
  static json::Object parameter(std::string_view in, std::string_view name, bool required, json::Object schema) {
    return {{"in", in}, {"name", name}, {"required", required}, {"schema", std::move(schema)}};
  }

  [[nodiscard]] json::Object answers_of(const Operation& operation) const {
    std::map<int, json::Object> answers;
    for (const Answer& answer : operation.answers) {
      json::Object& out = answers[answer.status];
      out["description"] = answer.about;
      if (!answer.schema.empty())
        out["content"] = json::Object{{answer.content_type, json::Object{{"schema", schema_of(answer.schema)}}}};
    }
    std::map<int, std::set<std::string_view>> refusals;
    const auto may = [&](Cause cause) { refusals[info(cause).http].insert(info(cause).code); };
    for (const Cause cause : kEvery) may(cause);
    if (operation.form != BodyForm::none)
      for (const Cause cause : kWithBody) may(cause);
    if (operation.credential == Credential::bearer || operation.credential == Credential::cookie_or_token)
      for (const Cause cause : kWithToken) may(cause);
    for (const Cause cause : operation.causes) may(cause);
    for (const auto& [status, codes] : refusals) {
      std::string about;
      for (const auto code : codes) about.append(about.empty() ? "" : ", ").append(code);
      // An operation may have errors of a form of its own; those of the server itself are problems all the same.
      json::Object& out = answers[status];
      const bool own_form = out.contains("description");
      out["description"] = own_form ? std::string{out["description"].as_string()} + " Or: " + about + '.' : about + '.';
      json::Value& content = out["content"];
      if (!content.is_object()) content = json::Object{};
      content.as_object()["application/problem+json"] = json::Object{{"schema", reference("Problem")}};
    }
    json::Object out;
    for (auto& [status, answer] : answers) out[std::to_string(status)] = std::move(answer);
    return out;
  }

  static json::Array security_of(Credential credential) {
    const auto one = [](std::string_view name) { return json::Object{{name, json::Array{}}}; };
    switch (credential) {
      case Credential::none: return {};
      case Credential::bearer: return {one("bearer")};
      case Credential::cookie_or_token: return {one("session"), one("bearer"), json::Object{}};
      case Credential::client: return {one("client"), json::Object{}};
    }
    return {};
  }

  // POST /auth/sessions/{id} → post_auth_sessions_id
  static std::string id_of(const Operation& operation) {
    std::string out;
    for (const char c : operation.method) out += static_cast<char>(c | 0x20);
    for (const char c : operation.path) {
      if (c == '{' || c == '}') continue;
      const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      out += word ? c : '_';
    }
    return out;
  }

  void add(const Operation& operation) {
    json::Value& path = paths_[operation.path];
    if (!path.is_object()) path = json::Object{};
    std::string method;
    for (const char c : operation.method) method += static_cast<char>(c | 0x20);
    if (path.as_object().contains(method))
      throw std::logic_error("described twice: " + std::string{operation.method} + ' ' + std::string{operation.path});
    json::Object out{{"operationId", id_of(operation)}, {"summary", operation.summary}};
    if (!operation.tag.empty()) {
      out["tags"] = json::Array{operation.tag};
      tags_.insert(std::string{operation.tag});
    }
    if (!operation.about.empty()) out["description"] = operation.about;
    out["security"] = security_of(operation.credential);
    if (json::Array parameters = parameters_of(operation); !parameters.empty())
      out["parameters"] = std::move(parameters);
    if (operation.form != BodyForm::none) out["requestBody"] = body_of(operation);
    out["responses"] = answers_of(operation);
    path.as_object()[method] = std::move(out);
  }

  const OpenApiInfo& info_;
  json::Object schemas_;
  json::Object security_schemes_ = security_schemes();
  json::Object paths_;
  std::set<std::string> tags_;
};

} // namespace

std::string openapi(const std::vector<Described>& modules, const OpenApiInfo& info) {
  return Document(modules, info).written();
}

Route openapi_route(std::string document) {
  const std::string etag = '"' + hex_encode(sha256(document)).substr(0, 32) + '"';
  return {"GET", "/openapi.json", [document = std::move(document), etag](const Request& request, Reply reply) {
    const std::string* known = request.headers.find("If-None-Match");
    const bool same = known != nullptr && known->find(etag) != std::string::npos;
    Response response{
        .status = same ? 304 : 200, .headers = {{"ETag", etag}, {"Cache-Control", "no-cache"}}, .body = {}};
    if (!same) {
      response.headers.add("Content-Type", "application/json");
      response.body = document;
    }
    reply(std::move(response));
  }};
}

} // namespace foyer::admin

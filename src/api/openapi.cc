#include "api/openapi.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>

#include "api/limits.h"
#include "api/method.h"
#include "base/json.h"
#include "wire/api_error.h"

namespace foyer::api {
namespace {

using json::Array;
using json::Object;

json::Value reference(std::string_view name) { return Object{{"$ref", "#/components/schemas/" + std::string(name)}}; }

// A schema of a request or of an answer.
struct Side {
  bool request = false;
  const UserIds* users = nullptr; // of a request: how it may name users
};

Object schema_of(std::span<const Field> fields, const Side& side);

json::Value empty_values() { return Array{nullptr, "", false, 0, Array{}, Object{}}; }

// Of one user: the id, and where issuers are configured also {"issuer":…,"sub":…}.
Object user_of(Object id, const Field& field, const Side& side) {
  const bool names_user = field.grammar == Grammar::user || field.grammar == Grammar::person;
  if (!names_user || side.users == nullptr || !side.users->any()) return id;
  Array issuers;
  for (const std::string& name : side.users->names()) issuers.emplace_back(name);
  Object sub{{"type", "string"}, {"minLength", 1}, {"maxLength", kNameLength}};
  Object named{{"type", "object"},
      {"properties", Object{{"issuer", Object{{"enum", std::move(issuers)}}}, {"sub", std::move(sub)}}},
      {"required", Array{"issuer", "sub"}}, {"additionalProperties", false}};
  return Object{{"anyOf", Array{std::move(id), std::move(named)}}};
}

Object type_of(const Field& field, const Side& side) {
  Object out;
  switch (field.type) {
    case Type::text:
      out["type"] = "string";
      if (side.request && field.least > 0) out["minLength"] = field.least;
      if (side.request && field.most > 0) out["maxLength"] = field.most;
      if (side.request && field.grammar != Grammar::none) out["pattern"] = regex_of(field.grammar);
      return user_of(std::move(out), field, side);
    case Type::number:
      out["type"] = "integer";
      if (side.request) out["minimum"] = field.least, out["maximum"] = field.most;
      break;
    case Type::flag: out["type"] = "boolean"; break;
    case Type::any: break;
    case Type::object: return schema_of(field.members, side);
    case Type::texts: {
      Object item{{"type", "string"}};
      if (side.request && field.grammar != Grammar::none) item["pattern"] = regex_of(field.grammar);
      out["type"] = "array";
      out["items"] = user_of(std::move(item), field, side);
      break;
    }
    case Type::objects:
      out["type"] = "array";
      // The names of the commands of a batch are data: what is wrong with one is its own reply.
      out["items"] = side.request ? Object{{"type", "object"}} : schema_of(field.members, side);
      break;
    case Type::map:
      out["type"] = "object";
      out["additionalProperties"] = schema_of(field.members, side);
      break;
  }
  if (side.request && (field.type == Type::texts || field.type == Type::objects))
    out["minItems"] = field.least, out["maxItems"] = field.most;
  return out;
}

std::string description_of(const Field& field) {
  switch (field.treatment) {
    case Treatment::kept: return std::string(field.says);
    case Treatment::mapped: return "Mapped: " + std::string(field.says);
    case Treatment::refused: return "Refused unless it is empty: " + std::string(field.says) + ".";
  }
  return {};
}

// The types of JSON that count as the field being there: null is absent.
json::Value present_types(const Field& field) {
  switch (field.type) {
    case Type::text: return "string";
    case Type::number: return "integer";
    case Type::flag: return "boolean";
    case Type::any: return Array{"object", "array", "string", "number", "boolean"};
    case Type::object:
    case Type::map: return "object";
    case Type::texts:
    case Type::objects: return "array";
  }
  return nullptr;
}

json::Value property_of(const Field& field, const Side& side) {
  Object out;
  if (field.treatment == Treatment::refused) {
    out["enum"] = empty_values();
  } else if (field.treatment == Treatment::mapped) {
    out["anyOf"] = Array{Object{{"enum", empty_values()}}, type_of(field, side)};
  } else if (side.request && (!field.required || !field.alias.empty()) && field.type != Type::any) {
    out["anyOf"] = Array{type_of(field, side), Object{{"type", "null"}}};
  } else {
    out = type_of(field, side);
  }
  out["description"] = description_of(field);
  if (side.request)
    out["x-treatment"] = field.treatment == Treatment::kept ? "kept"
        : field.treatment == Treatment::mapped              ? "mapped"
                                                            : "refused";
  return out;
}

json::Value alias_of(const Field& field, const Side& side) {
  json::Value out = property_of(field, side);
  out.as_object()["description"] = "Another name of `" + std::string(field.name) + "`.";
  return out;
}

// Which names of fields are sent with a value: exactly one of these.
class OneOf {
 public:
  void add(std::string_view name, const Field& field) {
    ways_.push_back(
        Object{{"required", Array{name}}, {"properties", Object{{name, Object{{"type", present_types(field)}}}}}});
  }
  [[nodiscard]] bool empty() const { return ways_.empty(); }
  [[nodiscard]] Object condition() && { return Object{{"oneOf", std::move(ways_)}}; }

 private:
  Array ways_;
};

Object one_name_of(const Field& field) {
  if (field.required) {
    OneOf names;
    names.add(field.name, field);
    names.add(field.alias, field);
    return std::move(names).condition();
  }
  Array ways; // not both
  for (const std::string_view name : {field.name, field.alias})
    ways.push_back(Object{{"properties", Object{{name, Object{{"type", "null"}}}}}});
  return Object{{"anyOf", std::move(ways)}};
}

Object schema_of(std::span<const Field> fields, const Side& side) {
  Object properties;
  Array required, conditions;
  OneOf choices;
  for (const Field& field : fields) {
    properties[field.name] = property_of(field, side);
    const bool two_names = side.request && !field.alias.empty();
    if (two_names) {
      properties[field.alias] = alias_of(field, side);
      conditions.push_back(one_name_of(field));
    }
    if (field.choice) choices.add(field.name, field);
    if (field.required && !two_names) required.emplace_back(field.name);
  }
  if (side.request && !choices.empty()) conditions.push_back(std::move(choices).condition());
  Object out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  if (!conditions.empty()) out["allOf"] = std::move(conditions);
  if (side.request) out["additionalProperties"] = false;
  return out;
}

Object json_content(json::Value schema) { return Object{{"application/json", Object{{"schema", std::move(schema)}}}}; }

Object refused(std::string_view description) {
  Object content{{"application/problem+json", Object{{"schema", reference("ApiProblem")}}},
      {"application/json", Object{{"schema", reference("TransportError")}}}};
  return Object{{"description", description}, {"content", std::move(content)}};
}

Object responses_of(const Method* method) {
  Object out;
  json::Value good = reference("Reply");
  if (method != nullptr && method->name == "batch")
    good = Object{{"type", "object"},
        {"properties", Object{{"replies", Object{{"type", "array"}, {"items", Object{{"type", "object"}}}}}}},
        {"required", Array{"replies"}}};
  else if (method != nullptr)
    good = Object{{"type", "object"}, {"properties", Object{{"result", schema_of(method->answer, {})}}},
        {"required", Array{"result"}}};
  if (method != nullptr) good = Object{{"oneOf", Array{std::move(good), reference("Error")}}};
  std::string codes;
  if (method != nullptr)
    for (const Cause cause : method->causes) codes += (codes.empty() ? "" : ", ") + std::string(code_of(cause));
  Object content = json_content(std::move(good));
  if (method != nullptr && method->stream != nullptr)
    content["application/x-ndjson"] = Object{{"schema", Object{{"type", "string"}}}};
  out["200"] = Object{
      {"description",
          codes.empty() ? "The result, or an error." : "The result, or an error; of this method's own: " + codes + "."},
      {"content", std::move(content)}};
  out["400"] = refused("The body is not JSON; in transport mode also: a field is wrong (107).");
  out["401"] = refused("No key, or an unknown one; of a token also: it is not valid (101).");
  out["403"] = refused("The key lacks a right, or no key belongs to the service (103).");
  out["404"] = refused("There is no such method (104), or no API; in transport mode also: no such object (102).");
  out["405"] = refused("Another method than POST.");
  out["409"] = refused("In transport mode: 108, 112, 409.");
  out["413"] = refused("The body is longer than body_bytes.");
  out["415"] = refused("The body is not application/json.");
  out["429"] = refused("Too many requests, or a limit is reached (106, 111).");
  out["503"] = refused("The server is too busy, drains, or cannot store (100).");
  // Before the API has the request.
  out["408"] = refused("The request came too slowly.");
  out["414"] = Object{{"description", "The address is too long to tell that it is one of the API."},
      {"content", Object{{"application/problem+json", Object{{"schema", reference("Problem")}}}}}};
  out["421"] = refused("The Host header names another server.");
  out["431"] = refused("The headers are too long.");
  out["500"] = refused("An error of the server itself (100).");
  return out;
}

Array security() {
  return Array{Object{{"key", Array{}}}, Object{{"authorization", Array{}}}, Object{{"query", Array{}}},
      Object{{"service", Array{}}}};
}

Object error_mode() {
  return Object{{"name", "X-Centrifugo-Error-Mode"}, {"in", "header"},
      {"description", "`transport`: what a method refuses is answered with an HTTP status, too."},
      {"schema", Object{{"type", "string"}, {"enum", Array{"transport"}}}}};
}

Object operation_of(const Method& method, const UserIds& users) {
  std::string description{method.says};
  description += method.needs.empty() ? " Any key may call it." : " Needs the right " + std::string(method.needs) + ".";
  return Object{{"operationId", method.name}, {"tags", Array{"server API"}}, {"summary", method.says},
      {"description", description}, {"security", security()}, {"x-changes", method.changes}, {"x-needs", method.needs},
      {"parameters", Array{error_mode()}},
      {"requestBody",
          Object{{"required", true},
              {"content", json_content(schema_of(method.fields, {.request = true, .users = &users}))}}},
      {"responses", responses_of(&method)}};
}

Object operation_of_lines() {
  Object line{{"type", "object"},
      {"properties",
          Object{{"method", Object{{"type", "string"}, {"minLength", 1}}},
              {"params", Object{{"type", Array{"object", "array", "null"}}, {"maxItems", 0}}}}},
      {"required", Array{"method"}}, {"additionalProperties", false}};
  return Object{{"operationId", "lines"}, {"tags", Array{"server API"}}, {"security", security()},
      {"summary", "Runs several methods in order: one JSON object a line, one answer a line."},
      {"requestBody", Object{{"required", true}, {"content", json_content(std::move(line))}}},
      {"responses", responses_of(nullptr)}};
}

Object text_property() { return Object{{"type", "string"}}; }

Object schemas() {
  Object error{{"type", "object"},
      {"properties",
          Object{{"code", Object{{"type", "integer"}}}, {"message", text_property()}, {"cause", text_property()},
              {"ref", text_property()}, {"field", text_property()}, {"needs", text_property()}}},
      {"required", Array{"code", "message", "cause", "ref"}}};
  Object problem{{"type", "object"},
      {"properties",
          Object{{"type", text_property()}, {"title", text_property()}, {"status", Object{{"type", "integer"}}},
              {"detail", text_property()}, {"code", text_property()}, {"ref", text_property()},
              {"error", reference("ErrorBody")}}},
      {"required", Array{"type", "title", "status", "code", "ref", "error"}}};
  Object transport{{"type", "object"},
      {"properties",
          Object{
              {"code", Object{{"type", "integer"}}}, {"message", text_property()}, {"error", reference("ErrorBody")}}},
      {"required", Array{"code", "message", "error"}}};
  return Object{{"ErrorBody", std::move(error)}, {"ApiProblem", std::move(problem)},
      {"TransportError", std::move(transport)},
      {"Error",
          Object{{"type", "object"}, {"properties", Object{{"error", reference("ErrorBody")}}},
              {"required", Array{"error"}}}},
      {"Reply",
          Object{{"type", "object"},
              {"properties", Object{{"result", Object{{"type", "object"}}}, {"error", reference("ErrorBody")}}}}}};
}

Object security_schemes() {
  return Object{{"key", Object{{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}},
      {"query", Object{{"type", "apiKey"}, {"in", "query"}, {"name", "api_key"}}},
      {"authorization",
          Object{{"type", "apiKey"}, {"in", "header"}, {"name", "Authorization"}, {"description", "apikey KEY"}}},
      {"service",
          Object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
              {"description",
                  "A token of a registered service for the audience foyer:api; it counts as the API key that belongs "
                  "to the service."}}}};
}

} // namespace

json::Object described_paths(const UserIds& users) {
  Object out;
  for (const Method& method : methods())
    out["/api/" + std::string(method.name)] = Object{{"post", operation_of(method, users)}};
  out["/api"] = Object{{"post", operation_of_lines()}};
  return out;
}

json::Object described_components() { return Object{{"schemas", schemas()}, {"securitySchemes", security_schemes()}}; }

} // namespace foyer::api

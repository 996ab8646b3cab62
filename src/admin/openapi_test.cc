#include "admin/openapi.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "admin/routes.h"
#include "base/json.h"

namespace foyer::admin {
namespace {

const std::vector<NamedSchema> kSchemas = {{"Thing", R"({"type":"object","required":["id"]})"}};

Operation thing() {
  return {.method = "POST",
      .path = "/things/{id}",
      .tag = "things",
      .summary = "Change a thing",
      .credential = Credential::bearer,
      .form = BodyForm::json,
      .body = {{.name = "name", .required = true, .about = "What it is called.", .min = 1, .max = 64},
          {.name = "count", .type = MemberType::number, .min = 0},
          {.name = "rooms", .type = MemberType::list, .max = 100, .schema = R"({"type":"string"})"},
          {.name = "data", .type = MemberType::any}},
      .query = {{.name = "limit", .type = MemberType::number}},
      .answers = {{200, "The thing.", "Thing"}, {204, "Nothing."}},
      .causes = {Cause::NOT_FOUND, Cause::NAME_TAKEN}};
}

json::Object document(std::vector<Operation> operations) {
  const std::string text = openapi(
      {{.operations = operations, .schemas = kSchemas}}, {.version = "1.2.3", .server = "https://chat.example"});
  return json::parse(text)->as_object();
}

const json::Value& at(const json::Value& in, std::string_view pointer) { return in.at_pointer(pointer); }

TEST(OpenApi, ABodyHasTheLimitsOfItsMembers) {
  const json::Value all = document({thing()});
  const auto& schema = at(all, "/paths/~1things~1{id}/post/requestBody/content/application~1json/schema");
  EXPECT_EQ(json::write(schema),
      R"({"type":"object","properties":{)"
      R"("name":{"type":"string","minLength":1,"maxLength":64,"description":"What it is called."},)"
      R"("count":{"type":"integer","minimum":0},)"
      R"("rooms":{"type":"array","maxItems":100,"items":{"type":"string"}},"data":{}},)"
      R"("additionalProperties":false,"required":["name"]})");
  EXPECT_EQ(at(all, "/paths/~1things~1{id}/post/requestBody/required"), json::Value(true));
}

TEST(OpenApi, ParametersAreThoseOfThePathAndTheQuery) {
  const json::Value all = document({thing()});
  EXPECT_EQ(json::write(at(all, "/paths/~1things~1{id}/post/parameters")),
      R"([{"in":"path","name":"id","required":true,"schema":{"type":"string","minLength":1}},)"
      R"({"in":"query","name":"limit","required":false,"schema":{"type":"integer"}}])");
}

TEST(OpenApi, RefusalsAreProblemsByStatusWithTheirCodes) {
  const json::Value all = document({thing()});
  const auto& answers = at(all, "/paths/~1things~1{id}/post/responses").as_object();
  EXPECT_EQ(json::write(answers.at("404")),
      R"({"description":"NOT_FOUND.","content":{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}})");
  EXPECT_TRUE(answers.contains("401")) << "a token is needed";
  EXPECT_TRUE(answers.contains("415")) << "a body is needed";
  EXPECT_TRUE(answers.contains("503"));
  EXPECT_EQ(json::write(answers.at("204")), R"({"description":"Nothing."})");
  EXPECT_EQ(json::write(answers.at("200").at_pointer("/content/application~1json/schema")),
      R"({"$ref":"#/components/schemas/Thing"})");
}

TEST(OpenApi, AnOperationWithErrorsOfItsOwnFormMayStillBeRefusedByTheServer) {
  Operation operation = thing();
  operation.answers.push_back({503, "It cannot.", "Thing"});
  const json::Value all = document({operation});
  const auto& answer = at(all, "/paths/~1things~1{id}/post/responses/503");
  EXPECT_TRUE(std::string_view(answer.at("description").as_string()).starts_with("It cannot. Or: BUSY, "));
  EXPECT_TRUE(answer.at("content").as_object().contains("application/json"));
  EXPECT_TRUE(answer.at("content").as_object().contains("application/problem+json"));
}

TEST(OpenApi, TheTagsAreThoseOfAllOperations) {
  const auto document = json::parse(openapi(
      {{.paths = {{"/x", json::Object{{"get", json::Object{{"tags", json::Array{"more"}}}}}}}, .components = {}}},
      {.version = "1", .server = "/"}));
  EXPECT_EQ(json::write(document->at("tags")), R"([{"name":"more"}])");
}

TEST(OpenApi, AMistakeInATableStopsTheStart) {
  EXPECT_THROW(document({thing(), thing()}), std::logic_error) << "twice";
  Operation unknown = thing();
  unknown.answers = {{200, "A ghost.", "Ghost"}};
  EXPECT_THROW(document({unknown}), std::logic_error);
  Operation broken = thing();
  broken.body = {{.name = "data", .type = MemberType::any, .schema = "{"}};
  EXPECT_THROW(document({broken}), std::logic_error);
}

TEST(OpenApi, IsServedWithoutAKeyAndOnlyOnce) {
  const Route route = openapi_route(R"({"openapi":"3.1.0"})");
  Response first;
  route.handler(Request{}, [&](Response response) { first = std::move(response); });
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(*first.headers.find("Content-Type"), "application/json");
  Request again;
  again.headers.add("If-None-Match", *first.headers.find("ETag"));
  Response second;
  route.handler(again, [&](Response response) { second = std::move(response); });
  EXPECT_EQ(second.status, 304);
  EXPECT_EQ(second.body, "");
}

} // namespace
} // namespace foyer::admin

// What one operation over HTTP accepts and answers, as data. The same rows are used to check a request's body, to
// make the route, and to write /openapi.json, so that they cannot differ. See http/openapi.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/cause.h"

namespace foyer {

enum class MemberType : std::uint8_t { text, flag, number, list, object, any };

// A member of a body, a parameter of a query, or a {name} of a path.
struct Member {
  std::string_view name;
  MemberType type = MemberType::text;
  bool required = false;
  std::string_view about = {}; // one sentence
  // Characters of a text, the value of a number, elements of a list.
  std::optional<std::int64_t> min = {};
  std::optional<std::int64_t> max = {};
  std::string_view pattern = {}; // ECMA-262, of a text
  std::string_view format = {};  // as in JSON Schema, of a text
  std::string_view schema = {};  // JSON Schema, where the fields above do not say enough: of a list's elements, of
                                 // an object, or of any
};

enum class BodyForm : std::uint8_t { none, json, form };
enum class Credential : std::uint8_t { none, bearer, cookie_or_token, client };

struct Answer {
  int status = 200;
  std::string_view about;
  std::string_view schema = {}; // the name of a NamedSchema, or JSON Schema; empty: without a body
  std::string_view content_type = "application/json";
};

struct Operation {
  std::string_view method;
  std::string_view path; // as the route's
  std::string_view tag;
  std::string_view summary;    // a few words
  std::string_view about = {}; // sentences
  Credential credential = Credential::none;
  BodyForm form = BodyForm::none;
  bool body_required = false;
  std::vector<Member> body = {};
  std::string_view body_rule = {}; // JSON Schema that the body fits as well: what one member demands of others
  std::vector<Member> query = {};
  std::vector<Member> path_args = {}; // those that need more than their name
  std::vector<Answer> answers = {};
  std::vector<Cause> causes = {}; // refusals of its own, in addition to those of every operation
};

struct NamedSchema {
  std::string_view name;
  std::string_view schema; // JSON Schema 2020-12
};

} // namespace foyer

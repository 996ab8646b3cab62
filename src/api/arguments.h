// The fields of one request, read by the table of methods.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/method.h"
#include "api/user_ids.h"
#include "base/json.h"
#include "base/refusal.h"

namespace foyer::api {

// Names of fields are read without regard to case, and null is absent: that is how Centrifugo's libraries write them.
// Where a field is mapped or refused, "", 0, false, [] and {} are absent, too.
class Arguments {
 public:
  // `text`: the JSON that `sent` was read from. BAD_REQUEST for an unknown field, a missing one, one that came twice,
  // of the wrong type or beyond its limits; API_FIELD_REFUSED; ROOM_NAME_INVALID. The refusal names the field.
  // A user may be named as {"issuer":…,"sub":…}, and is then read as the id.
  [[nodiscard]] static Result<Arguments> read(
      std::span<const Field> fields, const json::Object& sent, std::string_view text, const UserIds& users = {});

  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] std::string_view text(std::string_view name) const; // empty: absent
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] const json::Array* list(std::string_view name) const;    // null: absent
  [[nodiscard]] const Arguments* object(std::string_view name) const;    // null: absent
  [[nodiscard]] std::string_view json_text(std::string_view name) const; // as it was sent; empty: absent
  [[nodiscard]] std::vector<std::string_view> users() const;             // the ids in all fields that name users

 private:
  struct Argument {
    const Field* field = nullptr;
    json::Value value = nullptr;
    std::string text = {};               // of Type::any and Type::objects: as it was sent
    std::vector<Arguments> members = {}; // of an object: one
  };
  [[nodiscard]] const Argument* find(std::string_view name) const;
  [[nodiscard]] Result<void> complete(std::span<const Field> fields) const; // nothing required is missing
  [[nodiscard]] Result<void> add(
      const Field& field, const json::Value& value, std::string_view text, const UserIds& users);

  std::vector<Argument> all_;
};

// The members of an object, or the elements of an array, as they stand in valid JSON. Names are not decoded.
struct RawMember {
  std::string_view name; // with its quotes; empty in an array
  std::string_view value;
};
[[nodiscard]] std::vector<RawMember> raw_members(std::string_view json);

} // namespace foyer::api

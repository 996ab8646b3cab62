// The table, held against itself: what it says must be fit for a schema and for people.
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <set>

#include "api/method.h"
#include "rooms/model/room.h"

namespace foyer::api {
namespace {

void check_fields(std::string_view method, std::span<const Field> fields) {
  std::set<std::string_view> names;
  for (const Field& field : fields) {
    SCOPED_TRACE(std::string(method) + " " + std::string(field.name));
    EXPECT_TRUE(names.insert(field.name).second);
    EXPECT_FALSE(field.says.empty());
    EXPECT_FALSE(field.treatment == Treatment::refused && field.required);
    const bool bounded =
        field.type == Type::texts || (field.type == Type::number && field.treatment != Treatment::refused);
    EXPECT_TRUE(!bounded || field.most > field.least);
    EXPECT_FALSE((field.type == Type::objects || field.type == Type::map) && field.members.empty());
    check_fields(method, field.members);
  }
}

TEST(Methods, EachHasWhatIsShownOfIt) {
  std::set<std::string_view> names;
  for (const Method& method : methods()) {
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    EXPECT_FALSE(method.says.empty()) << method.name;
    EXPECT_TRUE(method.run != nullptr || method.stream != nullptr || method.name == "batch") << method.name;
    EXPECT_EQ(find_method(method.name), &method);
    check_fields(method.name, method.fields);
  }
  EXPECT_EQ(find_method("rpc"), nullptr);
}

TEST(Methods, EachThatChangesSomethingTakesAnIdempotencyKey) {
  for (const Method& method : methods()) {
    const bool takes = std::ranges::find(method.fields, "idempotency_key", &Field::name) != method.fields.end();
    EXPECT_EQ(takes, !method.changes.empty()) << method.name;
  }
}

TEST(Grammars, TheSchemaSaysOfRoomsWhatTheServerSays) {
  using namespace std::string_literals;
  const std::regex room{std::string(regex_of(Grammar::room)), std::regex::ECMAScript};
  for (const std::string& name : {"tea"s, "News:42"s, "a:b:c"s, "x"s, std::string(64, 'a'), std::string(65, 'a'), ":x"s,
           "x:"s, "a b"s, ""s, "private:x"s, "private:X"s, "private:a:b"s, "Private:x"s, "private"s, "direct:0f"s,
           "user:u@x|1"s, "user:"s, "USER:x"s, "users:x"s, "user:"s + std::string(128, 'A'),
           "user:"s + std::string(129, 'A'), "private:"s + std::string(65, 'a'), "\xc3\xa9"s})
    EXPECT_EQ(std::regex_search(name, room), rooms::kind_of(name).has_value()) << name;
}

} // namespace
} // namespace foyer::api

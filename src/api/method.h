// The table of methods of the server API. Requests are read by it, and routes, documentation and OpenAPI are made of
// it: a method is a row, and nothing about its request or answer is written elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/body_source.h"
#include "base/cause.h"
#include "base/refusal.h"

namespace foyer::api {

class Call;
class Arguments;
struct Caller;
struct Context;

enum class Type : std::uint8_t {
  text,
  number, // an integer
  flag,
  any,     // any JSON, kept to the letter
  object,  // with `members`
  texts,   // a list of texts
  objects, // a list of objects with `members`
  map,     // by names that are data, to objects with `members`
};

enum class Treatment : std::uint8_t {
  kept,    // as Centrifugo's API means it, or ours
  mapped,  // to something of ours that comes close; `says` tells to what
  refused, // API_FIELD_REFUSED unless it is empty; `says` tells why
};

// What a text, or each text of a list, consists of.
enum class Grammar : std::uint8_t {
  none,
  room, // a room's name
  private_room,
  pattern, // of rooms' names: * stands for anything
  user,    // a user's id
  person,  // the same, but not one of an application or of the server
  key,     // printable ASCII
  place,   // where a page of clients ended, or nothing
};
[[nodiscard]] std::string_view regex_of(Grammar grammar); // for the schema; empty: none

struct Field {
  std::string_view name;
  Type type{};
  std::string_view says = {};
  Treatment treatment = Treatment::kept;
  bool required = false;
  std::int64_t least = 0; // characters of a text, items of a list, value of a number
  std::int64_t most = 0;  // of an item of `texts` the grammar limits the length
  Grammar grammar = Grammar::none;
  std::span<const Field> members = {};
  std::string_view alias = {}; // another name of the field
  bool choice = false;         // of the fields of a request that have this, exactly one is sent
};

struct Method {
  std::string_view name;
  std::string_view says;
  std::string_view changes = {}; // what it changes; empty: nothing
  std::string_view needs = {};   // the right; empty: any key
  std::span<const Field> fields = {};
  std::span<const Field> answer = {}; // members of `result`
  std::span<const Cause> causes = {}; // beside those of every method
  void (*run)(const Context& context, Call call) = nullptr;
  // In place of `run`: the answer is lines of JSON, which are made while they are sent.
  Result<std::shared_ptr<BodySource>> (*stream)(
      const Context& context, const Caller& caller, const Arguments& arguments) = nullptr;
  // Its effect is one message, in whose transaction the record of an idempotency key is stored.
  bool stores_message = false;
  // Calls that follow each other may be under way at once: the room keeps their order.
  bool keeps_order = false;
  bool logged = false; // each call that succeeded is a line of the log: who changed what
};

[[nodiscard]] std::span<const Method> methods();
[[nodiscard]] const Method* find_method(std::string_view name); // null: unknown

} // namespace foyer::api

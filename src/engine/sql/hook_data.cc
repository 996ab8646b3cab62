#include "engine/sql/hook_data.h"

#include <cstdint>

#include "base/json.h"

namespace foyer::engine {
namespace {

constexpr std::uint64_t kExact = std::uint64_t{1} << 53; // whole numbers up to here are exact as a double

class ObjectText {
 public:
  ObjectText& text(std::string_view name, std::string_view value) {
    begin(name);
    json::append_string(out_, value);
    return *this;
  }
  ObjectText& number(std::string_view name, std::uint64_t value) {
    if (value > kExact) return text(name, std::to_string(value));
    begin(name);
    out_ += std::to_string(value);
    return *this;
  }
  ObjectText& raw(std::string_view name, std::string_view json) {
    begin(name);
    out_ += json;
    return *this;
  }
  [[nodiscard]] std::string end() { return std::move(out_) + '}'; }

 private:
  void begin(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    json::append_string(out_, name);
    out_ += ':';
  }
  std::string out_;
};

ObjectText message_at(std::string_view room, std::string_view epoch, Offset offset) {
  ObjectText out;
  out.text("room", room).text("epoch", epoch).number("offset", offset);
  return out;
}

std::string user(std::string_view id, std::string_view name) {
  ObjectText out;
  out.text("id", id);
  if (!name.empty()) out.text("name", name);
  return out.end();
}

} // namespace

std::string published_data(const AppendRequest& message, std::string_view epoch, Offset offset) {
  ObjectText out = message_at(message.room.view(), epoch, offset);
  out.raw("user", user(message.from.id.view(), message.from.name));
  if (message.type == BodyType::text)
    out.text("message", message.text);
  else
    out.raw("data", message.text);
  if (!message.key.empty()) out.text("key", message.key);
  return out.end();
}

std::string deleted_data(std::string_view room, std::string_view epoch, Offset offset, const UserId& by) {
  return message_at(room, epoch, offset).text("by", by.view()).end();
}

std::string erased_data(std::string_view room, std::string_view epoch, Offset offset, const UserId& author) {
  return message_at(room, epoch, offset).raw("user", user(author.view(), {})).raw("deleted", "true").end();
}

std::string room_data(std::string_view room, RoomKind kind, std::string_view user) {
  ObjectText out;
  out.text("room", room).text("kind", to_string(kind));
  if (!user.empty()) out.text("user", user);
  return out.end();
}

std::string member_data(std::string_view room, const UserId& user) {
  return ObjectText{}.text("room", room).text("user", user.view()).end();
}

std::string blocked_data(std::string_view user, std::optional<WallTime> until) {
  ObjectText out;
  out.text("user", user);
  if (until) out.text("until", rfc3339(*until));
  return out.end();
}

} // namespace foyer::engine

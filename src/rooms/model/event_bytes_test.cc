#include "rooms/model/event_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <vector>

#include "rooms/model/packed.h"

namespace foyer::rooms {
namespace {

Event history(decltype(Event::body) body) {
  return {.room = RoomName("private:x"),
      .epoch = Epoch("e1"),
      .offset = 300,
      .delivery = Delivery::history,
      .body = std::move(body)};
}
Message message(Author from, std::string text) {
  Message made;
  made.offset = 300;
  made.from = std::move(from);
  made.text = std::move(text);
  made.time = from_unix_millis(1'700'000'000'123);
  return made;
}
Event ephemeral(decltype(Event::body) body) {
  return {.room = RoomName("tea"), .delivery = Delivery::ephemeral, .except = UserId("bob"), .body = std::move(body)};
}

// One of each kind. Their bytes in version 1 are in testing/events_v1.txt; what is added here is added there.
std::vector<std::pair<std::string, Event>> samples() {
  const WallTime time = from_unix_millis(1'700'000'000'123);
  const Member ann{UserId("ann"), "Änn"};
  Message hello = message({ann.id, ann.name}, "hello"), data = message({UserId("api:x"), ""}, R"({"a":[1,null]})"),
          deleted = message({ann.id, ann.name}, "");
  hello.key = "k1";
  data.type = BodyType::data;
  deleted.time = from_unix_millis(-1);
  deleted.deleted = true;
  return {
      {"nothing", {.room = RoomName("tea"), .delivery = Delivery::ephemeral}},
      {"message", history(hello)},
      {"data", history(data)},
      {"deleted_message", history(deleted)},
      {"deletion",
          {.room = RoomName("tea"),
              .epoch = Epoch("e1"),
              .offset = 9,
              .delivery = Delivery::about_history,
              .body = Change{.number = 2, .kind = ChangeKind::deleted, .offset = 7}}},
      {"detached",
          {.room = RoomName("tea"),
              .epoch = Epoch("e1"),
              .offset = UINT64_MAX,
              .delivery = Delivery::about_history,
              .body = Change{.number = 3, .kind = ChangeKind::author_detached, .user = UserId("ann")}}},
      {"forgotten",
          {.room = RoomName("tea"),
              .epoch = Epoch("e1"),
              .offset = UINT64_MAX,
              .delivery = Delivery::about_history,
              .body = Change{.number = 3, .kind = ChangeKind::author_erased, .user = UserId("ann")}}},
      {"joined", ephemeral(MemberJoined{ann})},
      {"left", ephemeral(MemberLeft{ann})},
      {"members", ephemeral(MembersChanged{70'000})},
      {"typing", ephemeral(TypingChanged{ann, true})},
      {"typing_ended", ephemeral(TypingChanged{ann, false})},
      {"reset",
          {.room = RoomName("tea"),
              .epoch = Epoch("e2"),
              .offset = 5,
              .delivery = Delivery::ephemeral,
              .body = RoomReset{"history_lost"}}},
      {"added", ephemeral(RoomAdded{})},
      {"removed", ephemeral(RoomRemoved{})},
      {"invitation", ephemeral(InvitationReceived{{RoomName("private:y"), {UserId("eve"), "Eve"}, time}})},
      {"declined", ephemeral(InvitationDeclined{})},
  };
}

std::string fault_of(std::string_view bytes) {
  const auto read = read_event(bytes);
  return read ? "none" : std::string(to_string(read.error()));
}

std::map<std::string, std::string> golden() {
  std::ifstream file(std::string(FOYER_SOURCE_DIR) + "/src/rooms/model/testing/events_v1.txt");
  std::map<std::string, std::string> out;
  for (std::string name, hex; file >> name >> hex;) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    out[name] = bytes;
  }
  return out;
}

// A form is read for ever as it was once written. When the version rises, this file stays, and the next one is added.
TEST(EventBytes, OfVersion1AreWrittenAndReadAsTheyAlwaysWere) {
  const auto stored = golden();
  for (const auto& [name, event] : samples()) {
    ASSERT_TRUE(stored.contains(name)) << name << " " << hex_encode(to_bytes(event));
    EXPECT_EQ(hex_encode(stored.at(name)), hex_encode(to_bytes(event))) << name;
    const auto read = read_event(stored.at(name));
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(to_bytes(*read), stored.at(name)) << name;
  }
  EXPECT_EQ(stored.size(), samples().size());
}

TEST(EventBytes, KeepEveryField) {
  const Event event{.room = RoomName("direct:a"),
      .epoch = Epoch("e"),
      .offset = 1'234'567'890'123,
      .delivery = Delivery::history,
      .except = UserId("bob"),
      .body = Message{.offset = 4,
          .from = {UserId("ann"), "Ann"},
          .text = "text",
          .time = from_unix_millis(99),
          .key = "key",
          .deleted = true,
          .type = BodyType::text}};
  const auto read = read_event(to_bytes(event));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->room, event.room);
  EXPECT_EQ(read->epoch, event.epoch);
  EXPECT_EQ(read->offset, event.offset);
  EXPECT_EQ(read->delivery, event.delivery);
  EXPECT_EQ(read->except, event.except);
  const auto& m = std::get<Message>(read->body);
  EXPECT_EQ(m.offset, 4U);
  EXPECT_EQ(m.from.id, UserId("ann"));
  EXPECT_EQ(m.from.name, "Ann");
  EXPECT_EQ(m.text, "text");
  EXPECT_EQ(m.time, from_unix_millis(99));
  EXPECT_EQ(m.key, "key");
  EXPECT_TRUE(m.deleted);
}

TEST(EventBytes, ThatAreCutOffOrFollowedBySomethingAreRefused) {
  for (const auto& [name, event] : samples()) {
    const std::string bytes = to_bytes(event);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_EQ(fault_of(bytes.substr(0, size)), "malformed") << name << " " << size;
    EXPECT_EQ(fault_of(bytes + '\0'), "malformed") << name;
  }
}

TEST(EventBytes, OfALaterVersionAreRefusedAsSuch) {
  std::string bytes = to_bytes(samples().front().second);
  bytes[0] = static_cast<char>(kEventVersion + 1);
  EXPECT_EQ(fault_of(bytes), "unknown_version");
  EXPECT_EQ(fault_of("\xff"), "unknown_version");
  bytes[0] = 0;
  EXPECT_EQ(fault_of(bytes), "malformed");
}

TEST(EventBytes, ThatNoEventHasAreRefused) {
  const auto refused = [](auto change) {
    PackedWriter out;
    out.byte(1);
    change(out);
    return !read_event(out.take());
  };
  const auto head = [](PackedWriter& out, std::uint8_t delivery, const std::string& room = "tea") {
    out.text(room);
    out.text("");
    out.number(0);
    out.byte(delivery);
    out.text("");
  };
  EXPECT_FALSE(refused([&](PackedWriter& out) { head(out, 3), out.byte(0); }));
  EXPECT_TRUE(refused([&](PackedWriter& out) { head(out, 0), out.byte(0); })) << "no delivery";
  EXPECT_TRUE(refused([&](PackedWriter& out) { head(out, 4), out.byte(0); }));
  EXPECT_TRUE(refused([&](PackedWriter& out) { head(out, 3), out.byte(12); })) << "no body";
  EXPECT_TRUE(refused([&](PackedWriter& out) { head(out, 3, "\xff"), out.byte(0); })) << "no UTF-8";
  EXPECT_TRUE(refused([&](PackedWriter& out) { head(out, 3, std::string(kMostEventWord + 1, 'x')), out.byte(0); }));
  const auto typing = [&](PackedWriter& out, std::uint8_t on) {
    head(out, 3), out.byte(6), out.text("ann"), out.text("Ann"), out.byte(on);
  };
  EXPECT_FALSE(refused([&](PackedWriter& out) { typing(out, 1); }));
  EXPECT_TRUE(refused([&](PackedWriter& out) { typing(out, 2); })) << "neither on nor off";
  Message no_json = message({UserId("ann"), "Ann"}, "{");
  no_json.type = BodyType::data;
  const Event data = history(no_json);
  EXPECT_FALSE(read_event(to_bytes(data))) << "data is JSON";
  EXPECT_EQ(fault_of(std::string(kMostEventBytes + 1, 'x')), "too_large");
}

TEST(Packed, ANumberHasOneForm) {
  for (const std::uint64_t value :
      {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 32U, UINT64_MAX - 1, UINT64_MAX}) {
    PackedWriter out;
    out.number(value);
    const std::string bytes = out.take();
    PackedReader reader(bytes);
    EXPECT_EQ(reader.number(), value);
    EXPECT_TRUE(reader.whole());
  }
  for (const std::string_view wrong : {std::string_view("\x80\x00", 2), std::string_view("\x80"),
           std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), std::string_view("")}) {
    PackedReader reader(wrong);
    EXPECT_EQ(reader.number(), 0U);
    EXPECT_TRUE(reader.failed());
  }
}

} // namespace
} // namespace foyer::rooms

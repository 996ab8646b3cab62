// Only protocol/foyer_v1 knows how clients speak: a whole node serves another dialect without a line of its own
// changed. The toy's messages are lines: a number and a command, several to a message.
//
//   1 auth TOKEN
//   2 join tea
//   3 say tea hello everybody
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <charconv>
#include <sstream>

#include "base/overloaded.h"
#include "harness/node.h"
#include "harness/peer.h"
#include "protocol/client_codec.h"

namespace foyer::harness {
namespace {

using protocol::ClientTerms;
using protocol::Command;
using protocol::CommandType;
using protocol::Form;
using protocol::MessageId;

// The word before the next blank; `rest` begins behind that.
std::string_view word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view found = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return found;
}

class ToyCodec final : public protocol::ClientCodec {
 public:
  [[nodiscard]] std::size_t index() const override { return 1; }

  void read(std::string_view message, protocol::CommandSink& sink) override {
    for (std::string_view rest = message; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      read_line(line, sink);
    }
  }

  void write(
      std::string& out, MessageId id, const protocol::SessionMessage& message, const ClientTerms&) const override {
    if (id) out += fmt::format("{} ", *id);
    std::visit(Overloaded{[&](const protocol::Welcome& m) { out += "welcome " + m.identity.name; },
                   [&](const protocol::Refused& m) { out += "no " + std::string(m.refusal.code()); },
                   [&](const rooms::Joined& m) {
      out += fmt::format("in {} {}", m.room.view(), m.up_to);
      for (const auto& each : m.messages) out += fmt::format(" [{}]", each.text);
    }, [&](const rooms::Published& m) { out += fmt::format("said {}", m.offset); },
                   [&](const protocol::Pong&) { out += "pong"; }, [&](const auto&) { out += "something else"; }},
        message);
  }

  [[nodiscard]] Form form_for(const rooms::Event& event, const ClientTerms&) const override {
    return std::holds_alternative<rooms::Message>(event.body) ? Form::whole : Form::none;
  }
  void write(std::string& out, const rooms::Event& event, Form) const override {
    const auto& message = std::get<rooms::Message>(event.body);
    out += fmt::format("{} in {}: {}", message.from.name, event.room.view(), message.text);
  }

  [[nodiscard]] std::size_t messages_that_fit(const RoomName&, const Epoch&, std::span<const rooms::Message> messages,
      rooms::Keep, std::size_t) const override {
    return messages.size();
  }
  [[nodiscard]] std::size_t members_that_fit(std::span<const rooms::Member> members, std::size_t) const override {
    return members.size();
  }
  [[nodiscard]] std::size_t bytes_of(std::span<const rooms::Member>) const override { return 0; }
  [[nodiscard]] std::size_t bytes_of(std::span<const rooms::Change>) const override { return 0; }

 private:
  static void read_line(std::string_view line, protocol::CommandSink& sink) {
    std::string_view rest = line;
    Command command;
    const std::string_view number = word(rest), verb = word(rest);
    std::uint64_t id = 0;
    std::from_chars(number.data(), number.data() + number.size(), id);
    command.id = id;
    if (verb == "auth") {
      command.type = CommandType::authenticate;
      command.token = rest;
    } else if (verb == "join") {
      command.type = CommandType::join;
      command.room = word(rest);
      command.limit = 10;
    } else if (verb == "say") {
      command.type = CommandType::chat;
      command.room = word(rest);
      command.message = rest;
    } else if (verb == "ping") {
      command.type = CommandType::ping;
    } else {
      return sink.on_bad_command({.id = id, .field = "", .what = "no such verb"}, line);
    }
    sink.on_command(command, line);
  }
};

struct ToyTest : testing::Test {
  Node node{{{"loops", "2"}}, [] { return std::make_unique<ToyCodec>(); }};

  std::unique_ptr<Peer> connect(std::size_t loop) {
    auto peer = std::make_unique<Peer>(node.network().connect(loop));
    Headers headers;
    headers.add("Sec-WebSocket-Protocol", "foyer.v1");
    peer->handshake("/ws/chat", headers);
    settle(*peer);
    return peer;
  }
  void settle(Peer& peer) {
    node.pump();
    while (peer.read()) node.pump();
  }
  static std::vector<std::string> take(Peer& peer) {
    std::vector<std::string> all(peer.messages.begin(), peer.messages.end());
    peer.messages.clear();
    return all;
  }
};

TEST_F(ToyTest, AWholeConversationInAnotherDialect) {
  auto ann = connect(0), bob = connect(1);
  ann->send_text("1 auth " + node.token({.user = "ann"}).text);
  bob->send_text("1 auth " + node.token({.user = "bob"}).text);
  settle(*ann), settle(*bob);
  EXPECT_THAT(take(*ann), testing::ElementsAre("1 welcome Ann"));
  EXPECT_THAT(take(*bob), testing::ElementsAre("1 welcome Bob"));

  bob->send_text("2 join tea");
  settle(*bob);
  EXPECT_THAT(take(*bob), testing::ElementsAre("2 in tea 0"));

  // Four commands in one message are answered in their order, also those that wait for earlier ones.
  ann->send_text("2 join tea\n3 say tea hello\n4 say tea to everybody\n5 ping");
  settle(*ann), settle(*bob);
  EXPECT_THAT(take(*ann),
      testing::ElementsAre(
          "2 in tea 0", "Ann in tea: hello", "3 said 1", "Ann in tea: to everybody", "4 said 2", "5 pong"));
  EXPECT_THAT(take(*bob), testing::ElementsAre("Ann in tea: hello", "Ann in tea: to everybody"));

  auto late = connect(0);
  late->send_text("1 auth " + node.token({.user = "eve"}).text + "\n");
  settle(*late);
  late->send_text("2 join tea\n3 dance");
  settle(*late);
  EXPECT_THAT(
      take(*late), testing::ElementsAre("1 welcome Eve", "2 in tea 2 [hello] [to everybody]", "3 no BAD_MESSAGE"));
}

TEST_F(ToyTest, ARefusedCredentialIsSaidInTheSameDialect) {
  auto eve = connect(0);
  eve->send_text("7 auth nonsense");
  settle(*eve);
  EXPECT_THAT(take(*eve), testing::ElementsAre("7 no INVALID_FORMAT"));
  ASSERT_TRUE(eve->closed);
}

} // namespace
} // namespace foyer::harness

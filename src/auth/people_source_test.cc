// Account lookups over HTTP, cached for a short while; in virtual time.
#include "auth/people_source.h"

#include <gtest/gtest.h>

#include "auth/contract/messages.h"
#include "auth/testing/remote_world.h"

namespace foyer::auth {
namespace {

using namespace testing_world;

class People : public testing::Test {
 protected:
  People() {
    w.server.serve = [this](const Request& request, VirtualServer::Reply reply) {
      const auto body = foyer::json::parse(request.body);
      if (request.path != kPeoplePath) return reply(VirtualServer::problem({.cause = Cause::UNKNOWN_PATH}));
      const auto questions = decode_people_question(body->as_object());
      ++asked;
      std::vector<FoundPerson> found;
      for (const auto& question : *questions) {
        const std::string& name = question.id.empty() ? question.name : question.id;
        if (accounts.contains(name))
          found.push_back({.asked = name, .person = {.id = UserId{accounts[name]}, .name = "Bob"}});
      }
      reply(VirtualServer::json(200, encode(found)));
    };
  }
  std::string find(PersonRequest question) {
    std::string out = "nothing yet";
    w.service->find_person(std::move(question), [&out](Result<std::optional<Person>> said) {
      out = !said ? std::string(said.error().code()) : *said ? (*said)->id.str() : "nobody";
    });
    w.pass(Millis{50});
    return out;
  }

  RemoteWorld w;
  std::map<std::string, std::string> accounts{{"bob", "u1"}, {"u1", "u1"}};
  RevocationAnswer revocations{.stream = "s"};
  int asked = 0;
};

TEST_F(People, ANameAndAnIdAreResolvedAndTheAnswerIsKeptForAMinute) {
  EXPECT_EQ(find({.name = "bob"}), "u1");
  EXPECT_EQ(find({.id = "u1"}), "u1");
  EXPECT_EQ(asked, 2);
  w.pass(Millis{59'000});
  EXPECT_EQ(find({.name = "bob"}), "u1");
  EXPECT_EQ(asked, 2);
  w.pass(Millis{2'000});
  EXPECT_EQ(find({.name = "bob"}), "u1");
  EXPECT_EQ(asked, 3);
}

TEST_F(People, AForgedAnswerNamesNobody) {
  w.server.sign_answers = false;
  EXPECT_EQ(find({.name = "bob"}), "AUTH_ANSWER_UNSIGNED");
  w.server.sign_answers = true;
  EXPECT_EQ(find({.name = "bob"}), "u1") << "nothing was cached";
}

TEST_F(People, ANegativeAnswerIsKeptForAShorterTime) {
  EXPECT_EQ(find({.name = "carol"}), "nobody");
  EXPECT_EQ(find({.name = "carol"}), "nobody");
  EXPECT_EQ(asked, 1);
  accounts["carol"] = "u2";
  w.pass(Millis{6'000});
  EXPECT_EQ(find({.name = "carol"}), "u2");
}

TEST_F(People, AnAccountThatWasDeletedIsNotFoundAnyMore) {
  w.service->watch_revocations([](const std::vector<RevocationEvent>&) {}, [](WallTime) {});
  w.server.serve = [this, people = std::move(w.server.serve)](const Request& request, VirtualServer::Reply reply) {
    if (request.path != kRevocationsPath) return people(request, std::move(reply));
    reply(VirtualServer::json(200, encode(revocations)));
  };
  EXPECT_EQ(find({.name = "bob"}), "u1");
  accounts.clear();
  revocations.cursor = 1;
  revocations.events = {{.kind = RevocationEvent::Kind::user,
      .id = "u1",
      .at = w.clock.wall(),
      .reason = RevocationEvent::Reason::deleted}};
  w.pass(Millis{30'000});
  EXPECT_EQ(find({.name = "bob"}), "nobody");
}

TEST_F(People, AnAuthServiceThatCannotBeAskedIsNotNobody) {
  w.server.always = Weather::refused;
  EXPECT_EQ(find({.name = "bob"}), "AUTH_SERVICE_CONNECTION_ERROR");
  w.server.always = Weather::fine;
  EXPECT_EQ(find({.name = "bob"}), "u1") << "a fault is not cached";
}

TEST_F(People, NoMoreAnswersAreKeptThanTheLimit) {
  const auto source = std::make_shared<PeopleSource>(
      w.around(), ServiceIdentity("gateway-1", kServiceSecret), PeoplePolicy{.answers = 2});
  for (const char* name : {"a", "b", "c", "c", "b", "a"})
    source->find({.name = name}, [](Result<std::optional<Person>>) {}), w.pass(Millis{50});
  EXPECT_EQ(asked, 4) << "c and b were cached, a was dropped";
}

} // namespace
} // namespace foyer::auth

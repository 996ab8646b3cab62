// Looks people up for a session of this loop.
#include "gateway/session.h"
#include "gateway/shard.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kIntroduced = 10'000; // names remembered as stored, so that a reconnect writes nothing

} // namespace

void Shard::find_person(Session& session, auth::PersonRequest question, Completion<std::optional<auth::Person>> then) {
  const UserId by = session.user();
  if (auto refusal = deps_.unknown_people->begin(by, loop_.now())) return then(std::unexpected(std::move(*refusal)));
  const ConnectionId id = session.id();
  deps_.auth_service.find_person(question,
      [this, alive = alive_, id, by, question, then = std::move(then)](
          Result<std::optional<auth::Person>> said) mutable {
    if (!*alive) return;
    loop_.post([this, id, by = std::move(by), question = std::move(question), said = std::move(said),
                   then = std::move(then)]() mutable {
      if (said && *said) return person_found(id, by, std::move(said), std::move(then));
      find_foreign_person(id, std::move(by), std::move(question), std::move(said), std::move(then));
    });
  });
}

// `said`: the auth service's answer, either nobody or a failure.
void Shard::find_foreign_person(ConnectionId id, UserId by, auth::PersonRequest question,
    Result<std::optional<auth::Person>> said, Completion<std::optional<auth::Person>> then) {
  const bool asked = said.has_value();
  auto done = [this, alive = alive_, id, by, said = std::move(said), then = std::move(then)](
                  Result<std::optional<rooms::Author>> found) mutable {
    if (!*alive) return;
    loop_.post([this, id, by = std::move(by), said = std::move(said), found = std::move(found),
                   then = std::move(then)]() mutable {
      if (!found) return person_found(id, by, std::unexpected(std::move(found).error()), std::move(then));
      if (*found)
        return person_found(id, by, auth::Person{.id = (*found)->id, .name = (*found)->name}, std::move(then));
      person_found(id, by, std::move(said), std::move(then));
    });
  };
  if (!question.id.empty()) return deps_.directory->find_person(UserId{std::move(question.id)}, std::move(done));
  // If the auth service did not answer, the name may belong to one of its accounts.
  if (!asked) return done(std::nullopt);
  deps_.directory->find_person_by_name(std::move(question.name), std::move(done));
}

void Shard::person_found(ConnectionId id, const UserId& by, Result<std::optional<auth::Person>> found,
    Completion<std::optional<auth::Person>> then) {
  deps_.unknown_people->end(by, found && !*found, loop_.now());
  if (find(id) != nullptr) then(std::move(found));
}

void Shard::remember_person(rooms::Author person) {
  if (const auto known = introduced_.find(person.id); known != introduced_.end() && known->second == person.name)
    return;
  deps_.directory->remember_person(person, [this, alive = alive_, person](Result<bool> stored) {
    if (!stored || !*alive) return;
    loop_.post([this, person] {
      if (introduced_.size() >= kIntroduced) introduced_.clear();
      introduced_.insert_or_assign(person.id, person.name);
    });
  });
}

} // namespace foyer::gateway

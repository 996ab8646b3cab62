// Between the gateway and its chat store: loses what the store answers, as a connection does
// that breaks at the wrong moment. What was asked has happened all the same.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/sql/chat_store.h"

namespace foyer::harness {

class LossyStore final : public engine::ChatStore {
 public:
  explicit LossyStore(std::unique_ptr<engine::ChatStore> store) : store_(std::move(store)) {}

  // The answers of the messages that are asked to be stored from now on are lost.
  void lose(std::size_t answers) { lost_ = answers; }
  void reads_fail(bool fail) { reads_fail_ = fail; }
  // As if the store had another connection than before.
  void open_again() const {
    if (watch_.opened_again) watch_.opened_again();
  }
  void belong_to_another() const {
    if (watch_.lost) watch_.lost(gone(Cause::CHAT_STORE_IN_USE, "held by another process of the test"));
  }

  void append(rooms::AppendRequest message, Completion<rooms::Appended> done) override {
    if (lost_ == 0) return store_->append(std::move(message), std::move(done));
    --lost_;
    store_->append(std::move(message), [done = std::move(done)](Result<rooms::Appended>) mutable {
      done(std::unexpected(gone(Cause::DATABASE_UNREACHABLE, "the connection broke behind COMMIT")));
    });
  }
  void history(rooms::HistoryRequest question, Completion<rooms::HistoryPage> done) override {
    if (reads_fail_) return done(std::unexpected(gone(Cause::DATABASE_UNREACHABLE, "reads are away")));
    store_->history(std::move(question), std::move(done));
  }

  void open(rooms::OpenRequest question, Completion<rooms::RoomRow> done) override {
    store_->open(std::move(question), std::move(done));
  }
  void forget_empty(RoomName room, Completion<bool> done) override {
    store_->forget_empty(std::move(room), std::move(done));
  }
  void create(RoomName room, UserId by, Completion<rooms::RoomRow> done) override {
    store_->create(std::move(room), std::move(by), std::move(done));
  }
  void create_for(RoomName room, std::vector<UserId> members, Completion<rooms::RoomRow> done) override {
    store_->create_for(std::move(room), std::move(members), std::move(done));
  }
  void written_by(UserId user, RoomName after, std::uint32_t limit, Completion<rooms::RoomNames> done) override {
    store_->written_by(std::move(user), std::move(after), limit, std::move(done));
  }
  void remove(RoomName room, Completion<bool> done) override { store_->remove(std::move(room), std::move(done)); }
  void clear(RoomName room, Completion<bool> done) override { store_->clear(std::move(room), std::move(done)); }
  void all_rooms(RoomName after, std::uint32_t limit, Completion<rooms::RoomsPage> done) override {
    store_->all_rooms(std::move(after), limit, std::move(done));
  }
  void direct(rooms::Author by, UserId other, Completion<rooms::Direct> done) override {
    store_->direct(std::move(by), std::move(other), std::move(done));
  }
  void invite(RoomName room, rooms::Author from, UserId user, Completion<rooms::Invited> done) override {
    store_->invite(std::move(room), std::move(from), std::move(user), std::move(done));
  }
  void accept(RoomName room, UserId user, Completion<bool> done) override {
    store_->accept(std::move(room), std::move(user), std::move(done));
  }
  void decline(RoomName room, UserId user, Completion<bool> done) override {
    store_->decline(std::move(room), std::move(user), std::move(done));
  }
  void invitations(UserId user, Completion<rooms::InvitationPage> done) override {
    store_->invitations(std::move(user), std::move(done));
  }
  void remember_person(rooms::Author person, Completion<bool> done) override {
    store_->remember_person(std::move(person), std::move(done));
  }
  void find_person(UserId id, Completion<std::optional<rooms::Author>> done) override {
    store_->find_person(std::move(id), std::move(done));
  }
  void find_person_by_name(std::string name, Completion<std::optional<rooms::Author>> done) override {
    store_->find_person_by_name(std::move(name), std::move(done));
  }
  void add_member(RoomName room, UserId user, Completion<bool> done) override {
    store_->add_member(std::move(room), std::move(user), std::move(done));
  }
  void remove_member(RoomName room, UserId user, Completion<bool> done) override {
    store_->remove_member(std::move(room), std::move(user), std::move(done));
  }
  void confirm(RoomName room, rooms::Known known, Completion<rooms::RoomRow> done) override {
    store_->confirm(std::move(room), std::move(known), std::move(done));
  }
  void doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) override {
    store_->doubt(std::move(room), std::move(epoch), head, std::move(done));
  }
  void erase(RoomName room, Offset offset, UserId by, bool any, Completion<rooms::Erased> done) override {
    store_->erase(std::move(room), offset, std::move(by), any, std::move(done));
  }
  void rooms_of(rooms::RoomsRequest question, Completion<rooms::RoomsPage> done) override {
    store_->rooms_of(std::move(question), std::move(done));
  }
  void detach_author(UserId user, rooms::Forget what, Completion<rooms::Detached> done) override {
    store_->detach_author(std::move(user), what, std::move(done));
  }
  void release(const RoomName& room) override { store_->release(room); }
  void watch(engine::LogWatch watch) override {
    watch_ = watch;
    store_->watch(std::move(watch));
  }
  engine::Hooks& hooks() override { return store_->hooks(); }
  engine::HookOutbox& outbox() override { return store_->outbox(); }
  engine::NodeTail* tail() override { return store_->tail(); }
  [[nodiscard]] engine::ApiKeys& api_keys() override { return store_->api_keys(); }
  [[nodiscard]] engine::SubjectEndings& endings() override { return store_->endings(); }
  [[nodiscard]] engine::CallRecords& calls() override { return store_->calls(); }
  [[nodiscard]] std::optional<store::UpkeepState> upkeep_state() const override { return store_->upkeep_state(); }
  void upkeep_now() override { store_->upkeep_now(); }
  void close() override { store_->close(); }
  [[nodiscard]] Result<bool> probe() override { return store_->probe(); }
  [[nodiscard]] std::size_t queued() const override { return store_->queued(); }

 private:
  static Refusal gone(Cause cause, std::string_view why) {
    return {.cause = cause, .evidence = std::string(why), .retry_after = Millis{1'000}};
  }

  std::unique_ptr<engine::ChatStore> store_;
  engine::LogWatch watch_;
  std::size_t lost_ = 0;
  bool reads_fail_ = false;
};

} // namespace foyer::harness

#include "engine/sql/database_store.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "engine/sql/access_store.h"
#include "engine/sql/call_log.h"
#include "engine/sql/commit_tail.h"
#include "engine/sql/confirms.h"
#include "engine/sql/continuity.h"
#include "engine/sql/duty.h"
#include "engine/sql/hook_store.h"
#include "engine/sql/members.h"
#include "engine/sql/node_tail.h"
#include "engine/sql/reads.h"
#include "engine/sql/retention.h"
#include "engine/sql/writes.h"
#include "store/reader.h"
#include "store/writer.h"

namespace foyer::engine {
namespace {

constexpr std::string_view kCopyFact = "copy";
constexpr std::uint64_t kSweepAfter = 10'000; // messages
constexpr Millis kBarrierEvery{60'000};       // while there are changes
constexpr store::AgeQueries kAgeQueries{.believed = "SELECT value FROM facts WHERE name = 'clock_believed'",
    .believe =
        "INSERT INTO facts (name, value) VALUES ('clock_believed', ?) ON CONFLICT (name) DO UPDATE SET value = "
        "excluded.value",
    .newest = "SELECT max(active_ms) FROM rooms"};

bool is_of_others(const Refusal& why) {
  return why.cause == Cause::CHAT_STORE_IN_USE || why.cause == Cause::CLUSTER_MISMATCH;
}

class DatabaseStore final : public ChatStore {
 public:
  DatabaseStore(const DatabaseStoreOptions& options, const Clock& clock, Entropy& entropy, Log& log)
      : retention_(options.policy),
        rules_(options.policy.rules),
        clock_(clock),
        entropy_(entropy),
        writers_(options.writers),
        node_(options.of_a_file || !options.node.empty() ? options.node : entropy.short_id()),
        duty_(options.duty_life.count() > 0 ? duty_holder(node_, entropy) : "", options.duty_life, clock),
        events_(clock, entropy, duty_.shared()),
        writes_(clock, entropy, options.policy, events_, options.of_a_file ? &calls_ : nullptr, writers_),
        gate_("chat", kAgeQueries, clock, log, options.compares_server_clock),
        sweep_(retention_, clock, gate_, options.of_a_file ? &calls_ : nullptr, writers_ == Writers::many),
        continuity_(options.witness, options.of_a_file, writers_ == Writers::many, entropy, log) {
    if (!options.of_a_file)
      member_.emplace(Member{.node = node_, .mode = writers_, .bus = options.bus, .about = options.about});
  }
  ~DatabaseStore() override { DatabaseStore::close(); }

  Result<void> start(
      store::Opener writing, store::Opener reading, const DatabaseStoreOptions& options, Metrics& metrics, Log& log) {
    store::WriterHooks hooks;
    hooks.begun = [this](store::Database& db, std::span<const std::unique_ptr<store::Task>> tasks) {
      return writes_.begin(db, rooms_of_tasks(tasks));
    };
    if (writers_ == Writers::many)
      hooks.held = [this](store::Database& db, auto tasks) { return writes_.held(db, rooms_of_tasks(tasks)); };
    hooks.before_commit = [this](store::Database& db) { return before_commit(db); };
    hooks.rolled_back = [this] { writes_.forget(); };
    hooks.answering = options.answering;
    hooks.committed = [this] {
      if (tail_) tail_->committed();
      if (!events_.take_written() || !started_) return;
      if (duty_.shared())
        outbox_->move_arrived();
      else
        outbox_->written();
    };
    hooks.upkeep = [this](store::Database& db) { return upkeep(db); };
    auto anew = [this, writing = std::move(writing)] { return open_to_write(writing); };
    const auto reached = std::make_shared<store::Reached>();
    auto read_anew = [this, reading = std::move(reading)] { return open_to_read(reading); };
    if (options.tail_every.count() > 0)
      tail_.reset(new NodeTail(read_anew, {.every = options.tail_every, .reached = reached}, clock_, metrics, log));
    store::WriterOptions writer_options{.name = "chat",
        .queue_limit = options.policy.queue_limit,
        .limit = "store_queue",
        .upkeep_every =
            duty_.shared() ? std::min(duty_.renew_every(), store::AgeGate::kLookEvery) : store::AgeGate::kLookEvery,
        .watch_every = options.watch_every,
        .entropy = &entropy_,
        .reached = reached,
        .executor = options.executor};
    TRY(writer,
        store::Writer::open(std::move(anew), std::move(writer_options), std::move(hooks), clock_, metrics, log));
    writer_ = std::move(writer);
    if (writers_ == Writers::one) forget_all_empty(options); // others may use theirs
    writer_->start_upkeep();                                 // so that a wrong clock is noticed at startup
    store::ReaderOptions reader_options{.name = "chat",
        .connections = options.readers,
        .entropy = &entropy_,
        .reached = reached,
        .executor = options.executor};
    TRY(reader, store::Reader::open(std::move(read_anew), std::move(reader_options), clock_, metrics, log));
    reader_ = std::move(reader);
    hooks_ = std::make_unique<HookStore>(*writer_, *reader_, clock_, entropy_);
    outbox_ = std::make_unique<OutboxStore>(*writer_, *reader_, events_, duty_, clock_, entropy_);
    access_ = std::make_unique<AccessStore>(
        *writer_, *reader_, clock_, &recorded_calls_, &events_, continuity_.of_a_file() ? &calls_ : nullptr);
    started_ = true;
    if (duty_.shared())
      duty_.ask(*writer_, [this] { outbox_->written(); });
    else if (!options.of_a_file)
      outbox_->move_arrived(); // of the time when there were several
    return {};
  }

  void open(OpenRequest question, Completion<RoomRow> done) override {
    auto make = [this, question, done = std::move(done)](Result<std::optional<RoomRow>> found) mutable {
      if (!found) return done(std::unexpected(std::move(found).error()));
      if (*found) return done(std::move(**found));
      auto kind = kind_of(question.room.view());
      if (!kind) return done(std::unexpected(std::move(kind).error()));
      if (*kind == RoomKind::private_ || *kind == RoomKind::direct) return done(refuse(Cause::NOT_A_MEMBER));
      if (!question.make) return done(refuse_field(Cause::NOT_FOUND, "room"));
      change<RoomRow>([question](Writes& writes, store::Database& db) {
        return writes.open(db, question.room, question.by);
      }, std::move(done), question.room);
    };
    auto read = [this, room = question.room, by = question.by](
                    store::Database& db) { return read_room(db, room, by, continuity_.barrier()); };
    reader_->submit<std::optional<RoomRow>>(std::move(read), std::move(make), question.by.view());
  }

  void forget_empty(RoomName room, Completion<bool> done) override {
    change<bool>(
        [room](Writes& writes, store::Database& db) { return writes.forget_empty(db, room); }, std::move(done), room);
  }

  void create(RoomName room, UserId by, Completion<RoomRow> done) override {
    change<RoomRow>(
        [room, by](Writes& writes, store::Database& db) { return writes.create(db, room, by); }, std::move(done), room);
  }

  void create_for(RoomName room, std::vector<UserId> members, Completion<RoomRow> done) override {
    change<RoomRow>([room, members = std::move(members)](Writes& writes, store::Database& db) {
      return writes.create_for(db, room, members);
    }, std::move(done), room);
  }

  void written_by(UserId user, RoomName after, std::uint32_t limit, Completion<RoomNames> done) override {
    reader_->submit<RoomNames>(
        [user, after, limit](store::Database& db) { return read_written_by(db, user, after, limit); }, std::move(done));
  }

  void remove(RoomName room, Completion<bool> done) override {
    change<bool>([room](Writes& writes, store::Database& db) { return writes.remove_room(db, room); },
        sweeping(std::move(done)), room);
  }

  void clear(RoomName room, Completion<bool> done) override {
    change<bool>([room](Writes& writes, store::Database& db) { return writes.clear(db, room); },
        sweeping(std::move(done)), room);
  }

  void all_rooms(RoomName after, std::uint32_t limit, Completion<RoomsPage> done) override {
    reader_->submit<RoomsPage>(
        [after, limit](store::Database& db) { return read_all_rooms(db, after, limit); }, std::move(done));
  }

  void direct(Author by, UserId other, Completion<Direct> done) override {
    change<Direct>(
        [by, other](Writes& writes, store::Database& db) { return writes.direct(db, by, other); }, std::move(done));
  }

  void invite(RoomName room, Author from, UserId user, Completion<Invited> done) override {
    change<Invited>([room, from, user](Writes& writes, store::Database& db) {
      return writes.invite(db, room, from, user);
    }, std::move(done), room);
  }

  void accept(RoomName room, UserId user, Completion<bool> done) override {
    change<bool>([room, user](Writes& writes, store::Database& db) { return writes.accept(db, room, user); },
        std::move(done), room);
  }

  void decline(RoomName room, UserId user, Completion<bool> done) override {
    change<bool>([room, user](Writes& writes, store::Database& db) { return writes.decline(db, room, user); },
        std::move(done), room);
  }

  void invitations(UserId user, Completion<InvitationPage> done) override {
    reader_->submit<InvitationPage>(
        [this, user](store::Database& db) { return read_invitations(db, user, clock_.wall()); }, std::move(done));
  }

  void remember_person(Author person, Completion<bool> done) override {
    change<bool>(
        [person](Writes& writes, store::Database& db) { return writes.remember_person(db, person); }, std::move(done));
  }

  void find_person(UserId id, Completion<std::optional<Author>> done) override {
    reader_->submit<std::optional<Author>>([id](store::Database& db) { return read_person(db, id); }, std::move(done));
  }

  void find_person_by_name(std::string name, Completion<std::optional<Author>> done) override {
    reader_->submit<std::optional<Author>>(
        [name](store::Database& db) { return read_person_by_name(db, name); }, std::move(done));
  }

  void add_member(RoomName room, UserId user, Completion<bool> done) override {
    change<bool>([room, user](Writes& writes, store::Database& db) { return writes.add_member(db, room, user); },
        std::move(done), room);
  }

  void remove_member(RoomName room, UserId user, Completion<bool> done) override {
    change<bool>([room, user](Writes& writes, store::Database& db) { return writes.remove_member(db, room, user); },
        std::move(done), room);
  }

  void append(AppendRequest message, Completion<Appended> done) override {
    std::string about = about_of(message.room);
    writer_->submit<std::size_t>([this, message = std::move(message)](store::Database& db) {
      return writes_.append(db, message);
    }, [this, done = std::move(done)](Result<std::size_t> place) mutable {
      if (place)
        done(writes_.answer_of(*place));
      else
        done(std::unexpected(std::move(place).error()));
    }, std::move(about));
  }

  void confirm(RoomName room, Known known, Completion<RoomRow> done) override {
    if (writers_ == Writers::many) return confirms_.ask(*writer_, std::move(room), std::move(known), std::move(done));
    change<RoomRow>([room, known = std::move(known)](Writes& writes, store::Database& db) {
      return writes.confirm(db, room, known);
    }, std::move(done), room);
  }

  void doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) override {
    change<Offset>([room, epoch, head](Writes& writes, store::Database& db) {
      return writes.doubt(db, room, epoch, head);
    }, std::move(done), room);
  }

  void release(const RoomName&) override {} // the database keeps it

  void watch(LogWatch watch) override {
    {
      const std::lock_guard held(watch_mutex_);
      watch_ = std::make_shared<const LogWatch>(std::move(watch));
    }
    if (tail_) tail_->start([this] { return watched(); });
  }

  void erase(RoomName room, Offset offset, UserId by, bool any, Completion<Erased> done) override {
    change<Erased>([room, offset, by, any](Writes& writes, store::Database& db) {
      return writes.erase(db, room, offset, by, any);
    }, std::move(done), room);
  }

  void detach_author(UserId user, Forget what, Completion<Detached> done) override {
    if (what == Forget::name_and_texts) return erase_texts(std::move(user), {}, std::move(done));
    change<Detached>([user](Writes& writes, store::Database& db) {
      return writes.detach_author(db, user, Forget::name);
    }, std::move(done));
  }

  void history(HistoryRequest question, Completion<HistoryPage> done) override {
    const UserId by = question.by;
    reader_->submit<HistoryPage>([this, question = std::move(question)](store::Database& db) {
      return read_history(db, question, retention_, clock_.wall(), continuity_.barrier());
    }, std::move(done), by.view());
  }

  void rooms_of(RoomsRequest question, Completion<RoomsPage> done) override {
    const UserId by = question.user;
    reader_->submit<RoomsPage>([this, question = std::move(question)](store::Database& db) {
      return read_rooms_of(db, question, rules_);
    }, std::move(done), by.view());
  }

  Hooks& hooks() override { return *hooks_; }
  HookOutbox& outbox() override { return *outbox_; }
  ApiKeys& api_keys() override { return *access_; }
  SubjectEndings& endings() override { return *access_; }
  CallRecords& calls() override { return *access_; }

  NodeTail* tail() override { return tail_.get(); }

  void close() override {
    if (tail_) tail_->stop();
    // The reader first: its answers may still use the writer.
    if (reader_) reader_->close();
    // Distinguishes a copy taken before this from the current state.
    if (writer_ && !std::exchange(closed_, true)) {
      if (continuity_.of_a_file()) write_barrier();
      if (duty_.shared())
        writer_->submit<bool>([this](store::Database& db) { return duty_.end(db); }, [](Result<bool>) {});
      if (member_ && writers_ == Writers::many)
        writer_->submit<bool>([this](store::Database& db) { return member_->leave(db); }, [](Result<bool>) {});
    }
    if (writer_) writer_->close();
  }

  Result<bool> probe() override { return writer_->probe(); }
  std::optional<store::UpkeepState> upkeep_state() const override { return gate_.state(); }
  void upkeep_now() override {
    gate_.believe();
    gate_.ask_round();
    writer_->start_upkeep();
  }
  std::size_t queued() const override { return writer_->queued() + reader_->queued(); }

 private:
  [[nodiscard]] std::shared_ptr<const LogWatch> watched() {
    const std::lock_guard held(watch_mutex_);
    return watch_;
  }

  // Before anything is read, so that no such room is in use. Rows that cannot be deleted now stay.
  void forget_all_empty(const DatabaseStoreOptions& options) {
    auto over = std::make_shared<std::promise<void>>();
    auto done = over->get_future();
    change<bool>([](Writes& writes, store::Database& db) { return writes.forget_all_empty(db); },
        [over](Result<bool>) { over->set_value(); });
    if (!options.executor) done.wait();
  }

  // `room`: the one that the job changes, so that it is locked first.
  template <class T, class Job>
  void change(Job job, Completion<T> done, const RoomName& room = {}) {
    writer_->submit<T>([this, job = std::move(job)](store::Database& db) mutable { return writes_.run<T>(db, job); },
        std::move(done), about_of(room));
  }

  [[nodiscard]] std::string about_of(const RoomName& room) const {
    return writers_ == Writers::many ? room.str() : std::string{};
  }

  static std::vector<std::string_view> rooms_of_tasks(std::span<const std::unique_ptr<store::Task>> tasks) {
    std::vector<std::string_view> rooms;
    for (const auto& task : tasks) rooms.emplace_back(task->about());
    return rooms;
  }

  // One transaction after the other, and at last the name.
  void erase_texts(UserId user, Writes::Erasing from, Completion<Detached> done) {
    change<Writes::Erasing>([user, from](Writes& writes, store::Database& db) {
      return writes.erase_texts(db, user, from);
    }, [this, user, done = std::move(done)](Result<Writes::Erasing> next) mutable {
      if (!next) return done(std::unexpected(std::move(next).error()));
      if (!next->over) return erase_texts(std::move(user), *next, std::move(done));
      change<Detached>([user, any = next->any](Writes& writes, store::Database& db) {
        auto detached = writes.detach_author(db, user, Forget::name_and_texts);
        if (detached) detached->any = detached->any || any;
        return detached;
      }, std::move(done));
    });
  }

  // What lost its name is swept away soon.
  Completion<bool> sweeping(Completion<bool> done) {
    return [this, done = std::move(done)](Result<bool> gone) mutable {
      if (gone && *gone) writer_->start_upkeep();
      done(std::move(gone));
    };
  }

  // Anything may have happened without a connection: remembered values are dropped.
  Result<std::unique_ptr<store::Database>> open_to_write(const store::Opener& writing) {
    writes_.forget();
    const auto watch = watched();
    auto db = writing();
    if (!db) {
      if (is_of_others(db.error()) && opened_ && watch) watch->lost(db.error());
      return db;
    }
    if (auto entered = member_ ? member_->enter(**db) : Result<void>{}; !entered) {
      if (is_of_others(entered.error()) && opened_ && watch) watch->lost(entered.error());
      return std::unexpected(std::move(entered).error());
    }
    TRY(found, continuity_.take_over(**db));
    TRY_VOID(events_.load(**db));
    if (continuity_.of_a_file()) TRY_VOID(calls_.load(**db));
    barrier_due_ = clock_.mono() + kBarrierEvery;
    if (std::exchange(opened_, true) && watch && found == Continuity::Found::perhaps_other) watch->opened_again();
    return db;
  }

  Result<std::unique_ptr<store::Database>> open_to_read(const store::Opener& reading) {
    TRY(db, reading());
    TRY_VOID(continuity_.check_reader(*db));
    return db;
  }

  void write_barrier() {
    writer_->submit<std::uint64_t>(
        [this](store::Database& db) { return continuity_.next_barrier(db); }, [this](Result<std::uint64_t> barrier) {
      if (barrier) continuity_.noted(*barrier);
    });
  }

  Result<void> before_commit(store::Database& db) {
    TRY_VOID(writes_.flush(db));
    recorded_calls_ += writes_.take_recorded();
    if ((!retention_.none() && writes_.appended() >= kSweepAfter) || recorded_calls_ >= kSweepAfter) {
      recorded_calls_ = 0;
      writes_.reset_appended();
      gate_.ask_round();
      writer_->start_upkeep();
    }
    if (const MonoTime now = clock_.mono(); now >= barrier_due_) {
      barrier_due_ = now + kBarrierEvery;
      write_barrier();
    }
    return {};
  }

  Result<bool> upkeep(store::Database& db) {
    if (member_) TRY_VOID(member_->sign(db, clock_.mono()));
    if (duty_.shared()) {
      if (!started_) return false;
      duty_.ask(*writer_, [this] { outbox_->written(); });
      outbox_->move_arrived(); // what others noted
      TRY(ours, duty_.check(db));
      if (!ours) return false;
    }
    if (writers_ == Writers::many) TRY_VOID(trim_.step(db, clock_.mono()));
    TRY(turn, gate_.turn(db));
    if (!turn.round) return false;
    TRY(more, sweep_.step(db, turn.by_age));
    if (!more) gate_.round_is_over();
    return more;
  }

  const RetentionRules retention_;
  const RoomRules rules_;
  const Clock& clock_;
  Entropy& entropy_;
  const Writers writers_;
  const std::string node_; // name of this process; empty: of a file
  Duty duty_;              // used by the writer's thread
  HookWrites events_;      // likewise
  CallLog calls_;          // likewise
  Writes writes_;          // likewise
  Confirms confirms_{writes_};
  store::AgeGate gate_;             // likewise
  Sweep sweep_;                     // likewise
  TailTrim trim_;                   // likewise
  std::optional<OwnMember> member_; // likewise; with a server only
  Continuity continuity_;
  bool opened_ = false;                          // used by the writer's thread: it had a connection before
  MonoTime barrier_due_{};                       // likewise
  std::atomic<std::uint64_t> recorded_calls_{0}; // since the last sweep
  std::atomic<bool> started_{false};             // everything below is there
  bool closed_ = false;
  std::mutex watch_mutex_;
  std::shared_ptr<const LogWatch> watch_;
  std::unique_ptr<NodeTail> tail_; // with many writers
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Reader> reader_;
  std::unique_ptr<HookStore> hooks_;
  std::unique_ptr<OutboxStore> outbox_;
  std::unique_ptr<AccessStore> access_;
};

} // namespace

Result<std::unique_ptr<ChatStore>> open_database_store(store::Opener writing, store::Opener reading,
    DatabaseStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  auto opened = std::make_unique<DatabaseStore>(options, clock, entropy, log);
  TRY_VOID(opened->start(std::move(writing), std::move(reading), options, metrics, log));
  return opened;
}

Result<void> mark_as_copy(store::Database& db) {
  TRY_VOID(db.change("INSERT INTO facts (name, value) VALUES (?, 'yes') ON CONFLICT DO NOTHING", kCopyFact));
  return {};
}

} // namespace foyer::engine

#include "engine/sql/continuity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "engine/sql/changed_rooms.h"
#include "store/file.h"

namespace foyer::engine {
namespace {

constexpr std::string_view kCopy = "copy";
constexpr std::string_view kDatabase = "database";
constexpr std::string_view kBarrier = "barrier";
constexpr std::string_view kSystem = "system";
constexpr std::string_view kTimeline = "timeline";
constexpr std::size_t kWitnessBytes = 4'096;
constexpr std::int64_t kRoomsAtOnce = 50'000;
constexpr int kDecideTries = 5;

Result<void> put(store::Database& db, std::string_view name, std::string_view value) {
  TRY_VOID(
      db.change("INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          name, value));
  return {};
}

// All in the current transaction; a part of them per statement, so that none takes long.
Result<void> renew_epochs(store::Database& db, Entropy& entropy, bool many) {
  std::int64_t last = 0;
  {
    TRY(rows, db.query("SELECT coalesce(max(id), 0) FROM rooms"));
    TRY_VOID(rows.step());
    last = rows.integer(0);
  }
  if (many) TRY_VOID(note_all_changed(db));
  const std::string fresh = entropy.short_id();
  for (std::int64_t from = 0; from < last; from += kRoomsAtOnce)
    TRY_VOID(
        db.change("UPDATE rooms SET epoch = CAST(?1 AS TEXT) || '.' || id, doubted = NULL WHERE id > ?2 AND id <= ?3",
            fresh, from, from + kRoomsAtOnce));
  return {};
}

// Another node came to this server after its promotion, and gave the new epochs: what a witness from before the
// promotion shows has been considered. Timelines have eight digits.
bool decided_since(const store::Lineage& facts, const store::Lineage& now, const store::Lineage& witness) {
  return !now.timeline.empty() && facts.system == now.system && facts.timeline == now.timeline &&
      witness.system == now.system && !witness.timeline.empty() && witness.timeline < now.timeline;
}

bool differ(const std::string& noted, const std::string& now) { return !noted.empty() && !now.empty() && noted != now; }

} // namespace

struct Continuity::Facts {
  bool copy = false;
  std::string database;
  std::uint64_t barrier = 0;
  store::Lineage lineage;

  static Result<Facts> read(store::Database& db) {
    Facts facts;
    TRY(rows, db.query("SELECT name, value FROM facts"));
    for (;;) {
      TRY(more, rows.step());
      if (!more) return facts;
      const std::string_view name = rows.view(0);
      if (name == kCopy)
        facts.copy = true;
      else if (name == kDatabase)
        facts.database = rows.text(1);
      else if (name == kSystem)
        facts.lineage.system = rows.text(1);
      else if (name == kTimeline)
        facts.lineage.timeline = rows.text(1);
      else if (name == kBarrier) {
        const std::string text = rows.text(1);
        std::from_chars(text.data(), text.data() + text.size(), facts.barrier);
      }
    }
  }
};

// What a new connection found, and what follows.
struct Continuity::State {
  Facts facts;
  std::string database;      // its name, which it gets now if it has none
  std::string why;           // every room gets a new epoch; empty: no reason
  std::uint64_t barrier = 0; // the next one
};

std::optional<Witness> read_witness(const std::string& path) {
  const auto text = store::read_file(path, kWitnessBytes);
  if (!text) return std::nullopt;
  const auto value = json::parse(*text);
  if (!value || !value->is_object()) return std::nullopt;
  const json::Object& object = value->as_object();
  const auto database = json::get_string(object, "database");
  const auto barrier = json::get_int(object, "barrier");
  if (!database || database->empty() || !barrier || *barrier < 0) return std::nullopt;
  return Witness{.database = std::string(*database),
      .barrier = static_cast<std::uint64_t>(*barrier),
      .lineage = {.system = std::string(json::get_string(object, "system").value_or("")),
          .timeline = std::string(json::get_string(object, "timeline").value_or(""))}};
}

std::string Continuity::why_new_epochs(
    const Facts& facts, const store::Lineage& lineage, const std::optional<Witness>& witness) const {
  if (facts.copy) return "it is a copy";
  if (differ(facts.lineage.system, lineage.system))
    return fmt::format("it was written on the server {} and is on {}", facts.lineage.system, lineage.system);
  if (differ(facts.lineage.timeline, lineage.timeline))
    return fmt::format("its server was promoted or restored: timeline {} was recorded, but it writes {}",
        facts.lineage.timeline, lineage.timeline);
  if (!witness) return {};
  if (facts.database.empty()) return "it lacks what was recorded beside it";
  if (witness->database != facts.database) return {}; // the witness is of another database
  if (many_ && decided_since(facts.lineage, lineage, witness->lineage)) return {};
  if (facts.barrier < witness->barrier)
    return fmt::format("it shows barrier {}, but {} was committed", facts.barrier, witness->barrier);
  if (differ(witness->lineage.system, lineage.system) || differ(witness->lineage.timeline, lineage.timeline))
    return "its server has a different history than the one recorded beside it";
  return {};
}

Result<void> Continuity::write(store::Database& db, const State& state, const store::Lineage& lineage) {
  if (!state.why.empty()) {
    TRY_VOID(renew_epochs(db, entropy_, many_));
    TRY_VOID(db.change("DELETE FROM facts WHERE name = ?", kCopy));
  }
  if (state.facts.database.empty()) TRY_VOID(put(db, kDatabase, state.database));
  if (!lineage.system.empty()) TRY_VOID(put(db, kSystem, lineage.system));
  if (!lineage.timeline.empty()) TRY_VOID(put(db, kTimeline, lineage.timeline));
  return put(db, kBarrier, std::to_string(state.barrier));
}

Result<Continuity::State> Continuity::look(store::Database& db, const store::Lineage& lineage) {
  const auto witness = path_.empty() ? std::nullopt : read_witness(path_);
  State state;
  TRY(facts, Facts::read(db));
  state.facts = std::move(facts);
  state.why = why_new_epochs(state.facts, lineage, witness);
  state.barrier = std::max(state.facts.barrier, barrier_.load());
  if (witness && witness->database == state.facts.database) state.barrier = std::max(state.barrier, witness->barrier);
  ++state.barrier;
  state.database = state.facts.database.empty() ? entropy_.short_id() : state.facts.database;
  return state;
}

Result<Continuity::Found> Continuity::take_over(store::Database& db) {
  TRY(lineage, db.lineage());
  // Other nodes connect, too: whoever holds the row of the barrier decides alone, and the others see what it wrote.
  const auto decide = [&]() -> Result<State> {
    TRY(transaction, store::Transaction::begin(db));
    TRY_VOID(
        db.change("INSERT INTO facts (name, value) VALUES (?, '0') ON CONFLICT (name) DO UPDATE SET value = "
                  "facts.value",
            kBarrier));
    TRY(state, look(db, lineage));
    TRY_VOID(write(db, state, lineage));
    TRY_VOID(transaction.commit());
    return state;
  };
  auto decided = decide();
  // New epochs for all rooms, while another node holds some of them.
  for (int tries = 1; !decided && db.may_succeed_again() && tries < kDecideTries; ++tries) decided = decide();
  if (!decided && !of_a_file_) return std::unexpected(decided.error());
  // An unwritable file has no other writer: its contents can be read.
  TRY(state, decided ? decided : look(db, lineage));
  if (!decided && !state.why.empty()) return std::unexpected(decided.error());
  Found found = Found::perhaps_other;
  {
    const std::lock_guard held(mutex_);
    if (state.why.empty() && of_a_file_ && state.facts.database == database_ && state.facts.barrier == barrier_.load())
      found = Found::as_it_was;
    database_ = state.database;
    lineage_ = lineage;
  }
  if (!decided) {
    barrier_.store(std::max(state.facts.barrier, barrier_.load()), std::memory_order_release);
    return found;
  }
  noted(state.barrier);
  if (state.why.empty()) return found;
  log_.warning("epochs_renewed",
      "The history of every room was reset: the chat database is not in the state in which it was left.",
      {{"database", db.name()}, {"evidence", state.why}});
  return found;
}

Result<std::uint64_t> Continuity::next_barrier(store::Database& db) {
  // In one statement, since other nodes count it up as well.
  const std::uint64_t least = barrier_.load() + 1;
  TRY(rows,
      db.query("INSERT INTO facts (name, value) VALUES (?1, CAST(?2 AS TEXT)) ON CONFLICT (name) DO UPDATE SET value = "
               "CAST(CASE WHEN CAST(facts.value AS BIGINT) < CAST(?3 AS BIGINT) THEN CAST(?3 AS BIGINT) ELSE "
               "CAST(facts.value AS BIGINT) + 1 END AS TEXT) RETURNING CAST(value AS BIGINT)",
          kBarrier, std::to_string(least), least));
  TRY_VOID(rows.step());
  const std::uint64_t next = rows.count(0);
  TRY_VOID(rows.run());
  return next;
}

void Continuity::noted(std::uint64_t barrier) {
  if (barrier > barrier_.load()) barrier_.store(barrier, std::memory_order_release);
  write_witness();
}

void Continuity::write_witness() {
  if (path_.empty()) return;
  const std::lock_guard held(mutex_);
  json::Object object{{"database", database_}, {"barrier", static_cast<std::int64_t>(barrier_.load())}};
  if (!lineage_.system.empty()) object["system"] = lineage_.system;
  if (!lineage_.timeline.empty()) object["timeline"] = lineage_.timeline;
  if (auto written = store::write_file_atomically(path_, json::write(object) + "\n"); !written)
    log_.warning("witness_not_written", "The barrier of the chat database could not be recorded beside it.",
        {{"file", path_}, {"code", written.error().code()}, {"evidence", written.error().evidence}});
}

Result<void> Continuity::check_reader(store::Database& db) {
  TRY(lineage, db.lineage());
  const std::lock_guard held(mutex_);
  if (!differ(lineage_.system, lineage.system) && !differ(lineage_.timeline, lineage.timeline)) return {};
  return refuse(Cause::DATABASE_UNREACHABLE,
      fmt::format("{}: this server has another history than the one that is written", db.name()));
}

} // namespace foyer::engine

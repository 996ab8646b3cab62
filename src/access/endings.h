// Blocks of users and revocations of tokens, as this process follows them in the chat store: it brings them to the
// table that the door asks (auth/revocation_table.h), and has established connections checked again. It reads twice a
// second, and at once after a change of its own, so that they hold within a second whichever process made them.
//
// They concern every user, with an account here or of another issuer: a user is named by its id.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/revocation_table.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/executor.h"
#include "base/ids.h"
#include "engine/subject_endings.h"

namespace foyer::access {

// The references must outlive the object.
struct EndingsDeps {
  engine::SubjectEndings& store;
  auth::RevocationTable& table;
  Executor& control;
  const Clock& clock;
  std::function<void()> changed; // established connections must be checked again; on the control plane
  // A token, or the tokens of a user, were ended through this object. Any thread; may be empty.
  std::function<void(const engine::Ending&)> revoked = {};
};

class Endings {
 public:
  static constexpr Millis kPollEvery{500};
  static constexpr std::size_t kPage = 10'000;

  explicit Endings(EndingsDeps deps);
  ~Endings();
  Endings(const Endings&) = delete;
  Endings& operator=(const Endings&) = delete;

  // Once: reads what is stored and follows it. `read` is answered on the control plane after the first reading; when
  // that fails, clients are refused until a later one succeeds.
  void start(Completion<bool> read);

  // Any thread. Answered on the control plane, once it is stored and holds in this process: connections are being
  // closed. BAD_REQUEST for an id that is empty or too long, BUSY for too many, and what the store refuses with.
  // Repeating one is harmless.
  void block_user(UserId user, std::optional<WallTime> until, Completion<bool> done);
  void unblock_user(UserId user, Completion<bool> done); // false: the user is not blocked
  void revoke_token(TokenId token, Completion<bool> done);
  // Every token of the user issued before that time; nothing: before now.
  void invalidate_user_tokens(UserId user, std::optional<WallTime> issued_before, Completion<bool> done);

 private:
  struct Block {
    WallTime since;
    std::optional<WallTime> until;
    bool holds = false; // the table has it
  };
  struct Waiting {
    bool result = false;
    Completion<bool> done;
  };
  struct Life; // shared with answers that are under way

  void put(engine::Ending ending, Completion<bool> done);
  // When the store has answered, waits until the change is read here.
  [[nodiscard]] Completion<bool> once_it_holds(Completion<bool> done);
  void wait(Result<bool> stored, Completion<bool> done);
  void ask();
  void answered(Result<engine::EndingPage> page);
  [[nodiscard]] bool apply(const engine::EndingPage& page);
  void unblock(const std::string& user);
  // Whether it holds at that time.
  void judge(const std::string& user, Block& block, WallTime now);
  void judge_all();

  const EndingsDeps deps_;
  std::map<std::string, Block> blocks_; // by user; also those that came to their end, since the clock may be wrong
  std::optional<WallTime> next_end_;    // of those that hold
  WallTime judged_at_{};
  std::set<std::string> perhaps_gone_; // blocked before the store went back, and not seen since
  bool reading_again_ = false;         // the store went back: its whole content is read
  std::uint64_t known_ = 0;            // the last change that was read
  std::vector<Waiting> waiting_;       // for the next question
  std::vector<Waiting> asked_;         // for the one under way
  bool asking_ = false;
  bool ask_again_ = false;
  MonoTime asked_at_{};
  TimerId poll_ = 0;
  std::shared_ptr<Life> life_;
};

} // namespace foyer::access

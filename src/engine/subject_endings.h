// What ends the access of a user or of a token, in every kind of identity, with an account here or without: blocks of
// users and revocations of tokens. Rows of a database, which every process reads.
//
// Each change has a number; numbers rise, and a reader asks for those after the last one that it knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/completion.h"

namespace foyer::engine {

inline constexpr std::size_t kMostBlocks = 100'000;    // users blocked at once; more: BUSY
inline constexpr std::size_t kMostEndings = 1'000'000; // of all kinds that are stored; more: BUSY
inline constexpr std::size_t kEndingBytes = 256;       // of a user's id or a token's jti

enum class EndingKind : std::uint8_t {
  block = 1,  // id: the user, who is not admitted until it is lifted or ends
  token = 2,  // id: the jti of a token
  before = 3, // id: the user; ends every token issued before `at`
};

struct Ending {
  EndingKind kind{};
  std::string id;
  WallTime at{};
  std::optional<WallTime> until = {}; // of a block: it ends by itself
  bool lifted = false;                // of a block: it was taken back
};

struct EndingPage {
  std::vector<Ending> endings; // in the order of their changes
  std::uint64_t change = 0;    // of the last one here; without any: of the store
  bool more = false;
};

// Answers like those of a RoomLog.
class SubjectEndings {
 public:
  virtual ~SubjectEndings() = default;

  // A block takes the place of an earlier one, `before` keeps the later time, a token needs no second one. BUSY.
  virtual void put_ending(Ending ending, Completion<bool> done) = 0;
  // False: the user is not blocked.
  virtual void lift_block(std::string user, Completion<bool> done) = 0;
  // Those with a change after `after`, at most `limit`. A store that was restored to an earlier state may be behind
  // `after`: then its whole content follows, as after 0.
  virtual void endings_after(std::uint64_t after, std::size_t limit, Completion<EndingPage> done) = 0;
};

} // namespace foyer::engine

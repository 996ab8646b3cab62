#include "access/endings.h"

#include <algorithm>
#include <utility>

namespace foyer::access {
namespace {

using engine::Ending;
using engine::EndingKind;

// A token says only in which second it was issued.
WallTime next_second(WallTime now) { return std::chrono::floor<std::chrono::seconds>(now) + Millis{1'000}; }

} // namespace

struct Endings::Life {
  Endings* endings;
};

Endings::Endings(EndingsDeps deps) : deps_(std::move(deps)), life_(std::make_shared<Life>(this)) {}

Endings::~Endings() {
  life_->endings = nullptr;
  deps_.control.cancel(poll_);
}

void Endings::start(Completion<bool> read) {
  poll_ = deps_.control.every(kPollEvery, [life = life_] {
    if (life->endings == nullptr) return;
    life->endings->judge_all();
    life->endings->ask();
  });
  deps_.control.post([life = life_, read = std::move(read)]() mutable {
    if (life->endings != nullptr) life->endings->wait(true, std::move(read));
  });
}

// --- changes, on any thread ---

void Endings::block_user(UserId user, std::optional<WallTime> until, Completion<bool> done) {
  put({.kind = EndingKind::block, .id = user.str(), .at = deps_.clock.wall(), .until = until}, std::move(done));
}

void Endings::revoke_token(TokenId token, Completion<bool> done) {
  put({.kind = EndingKind::token, .id = token.str(), .at = deps_.clock.wall()}, std::move(done));
}

void Endings::invalidate_user_tokens(UserId user, std::optional<WallTime> issued_before, Completion<bool> done) {
  // Without a time all of the present second end, too.
  const WallTime now = next_second(deps_.clock.wall());
  const WallTime at = std::min(issued_before.value_or(now), now);
  put({.kind = EndingKind::before, .id = user.str(), .at = at}, std::move(done));
}

void Endings::put(Ending ending, Completion<bool> done) {
  if (ending.id.empty() || ending.id.size() > engine::kEndingBytes)
    return done(refuse_field(Cause::BAD_REQUEST, ending.kind == EndingKind::token ? "uid" : "user",
        "must have 1 to " + std::to_string(engine::kEndingBytes) + " bytes"));
  if (ending.kind == EndingKind::block || !deps_.revoked)
    return deps_.store.put_ending(std::move(ending), once_it_holds(std::move(done)));
  auto tell = [revoked = deps_.revoked, ending, next = once_it_holds(std::move(done))](Result<bool> stored) mutable {
    if (stored) revoked(ending);
    next(std::move(stored));
  };
  deps_.store.put_ending(std::move(ending), std::move(tell));
}

void Endings::unblock_user(UserId user, Completion<bool> done) {
  deps_.store.lift_block(user.str(), once_it_holds(std::move(done)));
}

Completion<bool> Endings::once_it_holds(Completion<bool> done) {
  return [life = life_, &control = deps_.control, done = std::move(done)](Result<bool> stored) mutable {
    control.post([life, stored = std::move(stored), done = std::move(done)]() mutable {
      if (life->endings != nullptr) life->endings->wait(std::move(stored), std::move(done));
    });
  };
}

// --- on the control plane ---

void Endings::wait(Result<bool> stored, Completion<bool> done) {
  if (!stored) return done(std::move(stored));
  waiting_.push_back({*stored, std::move(done)});
  ask();
}

void Endings::ask() {
  if (asking_) {
    ask_again_ = true; // what is under way may have been read before
    return;
  }
  asking_ = true;
  ask_again_ = false;
  asked_at_ = deps_.clock.mono();
  for (Waiting& each : std::exchange(waiting_, {})) asked_.push_back(std::move(each));
  deps_.store.endings_after(known_, kPage, [life = life_, &control = deps_.control](Result<engine::EndingPage> page) {
    control.post([life, page = std::move(page)]() mutable {
      if (life->endings != nullptr) life->endings->answered(std::move(page));
    });
  });
}

void Endings::answered(Result<engine::EndingPage> page) {
  asking_ = false;
  if (page) {
    if (apply(*page)) deps_.changed();
    if (page->more) return ask();
    deps_.table.synchronised(asked_at_, auth::RevocationSource::chat_store);
  }
  for (Waiting& each : std::exchange(asked_, {}))
    each.done(page ? Result<bool>(each.result) : Result<bool>(std::unexpected(page.error())));
  if (ask_again_ && !waiting_.empty()) ask();
}

bool Endings::apply(const engine::EndingPage& page) {
  const bool went_back = page.change < known_;
  if (went_back && !reading_again_) {
    for (const auto& [user, block] : blocks_) perhaps_gone_.insert(user);
    reading_again_ = true;
  }
  known_ = page.change;
  const WallTime now = next_second(deps_.clock.wall());
  std::vector<auth::RevocationEvent> events;
  for (const Ending& ending : page.endings) {
    using Kind = auth::RevocationEvent::Kind;
    switch (ending.kind) {
      case EndingKind::token: events.push_back({Kind::token, ending.id, ending.at}); break;
      // Written by a clock that was ahead: it means now.
      case EndingKind::before: events.push_back({Kind::before, ending.id, std::min(ending.at, now)}); break;
      case EndingKind::block: {
        perhaps_gone_.erase(ending.id);
        if (ending.lifted) {
          unblock(ending.id);
        } else {
          Block& block = blocks_[ending.id];
          block = {.since = ending.at, .until = ending.until};
          judge(ending.id, block, deps_.clock.wall());
        }
        break;
      }
    }
  }
  deps_.table.apply(events);
  if (!page.more && std::exchange(reading_again_, false))
    for (const std::string& user : std::exchange(perhaps_gone_, {})) unblock(user);
  return !page.endings.empty();
}

void Endings::unblock(const std::string& user) {
  blocks_.erase(user);
  deps_.table.block(UserId{user}, std::nullopt);
}

void Endings::judge(const std::string& user, Block& block, WallTime now) {
  block.holds = !block.until || now < *block.until;
  deps_.table.block(UserId{user}, block.holds ? std::optional(block.since) : std::nullopt);
  if (block.holds && block.until) next_end_ = next_end_ ? std::min(*next_end_, *block.until) : *block.until;
}

// When the next one ends, or the clock was set back: what had ended may hold again.
void Endings::judge_all() {
  const WallTime now = deps_.clock.wall();
  const bool set_back = now < std::exchange(judged_at_, now);
  if (!set_back && (!next_end_ || now < *next_end_)) return;
  next_end_.reset();
  for (auto& [user, block] : blocks_)
    if (block.until) judge(user, block, now);
  if (set_back) deps_.changed();
}

} // namespace foyer::access

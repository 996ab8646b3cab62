#include "accounts/guard/lockouts.h"

namespace foyer::accounts {

void MemoryLockouts::begin(GuessKey key, Completion<bool> done) {
  done(of(key.kind).begin(key.name, key.address, clock_.mono()));
}

void MemoryLockouts::end(GuessKey key, GuessEnd how, Completion<bool> done) {
  Lockout& lockout = of(key.kind);
  switch (how) {
    case GuessEnd::wrong: lockout.failed(key.name, key.address, clock_.mono()); break;
    case GuessEnd::right: lockout.succeeded(key.name, key.address); break;
    case GuessEnd::neither: lockout.abandoned(key.name, key.address); break;
  }
  done(true);
}

} // namespace foyer::accounts

// Password hashes of other programs: what is taken is within its bounds, is the same
// when it is taken again, and is verified in the time that was told.
#include <string>

#include "accounts/password/foreign_hashes.h"
#include "base/bytes.h"
#include "fuzz.h"

using namespace foyer;
using namespace foyer::accounts;

FUZZER(foreign_hashes) {
  constexpr std::uint64_t kQuick = 2'000'000; // nanoseconds: more inputs, not longer ones
  const auto kept = importable_hash(input);
  if (!kept) {
    invariant(kept.error().cause == Cause::HASH_UNSUPPORTED && kept.error().field == "hash",
        "what is not taken is HASH_UNSUPPORTED");
    invariant(!kept.error().evidence.empty() && is_utf8(kept.error().evidence), "and says why");
    if (verification_time(input) == 0) invariant(!verify_foreign("a password", input), "and nothing matches it");
    return;
  }
  invariant(importable_hash(*kept) == *kept, "what is kept is the same when taken again");
  const std::uint64_t time = verification_time(*kept);
  invariant(time > 0 && time <= kLongestHashTime, "what is kept is verified in bounded time");
  // A stranger's login costs as much as a user's.
  const auto salt = kept->rfind('$', kept->rfind('$') - 1);
  if (kept->starts_with('$') && !kept->starts_with("$bcrypt")) {
    const std::string dummy = dummy_hash(std::string_view(*kept).substr(0, salt + 1));
    invariant(!dummy.empty() && verification_time(dummy) == time, "a hash that nothing matches costs as much");
  }
  if (time > kQuick) return;
  const bool once = verify_foreign("a password", *kept);
  invariant(once == verify_foreign("a password", *kept), "a password matches or does not");
  invariant(!once || !verify_foreign("another password", *kept), "two passwords do not match one hash");
}

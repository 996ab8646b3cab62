// Password hashes from other programs: verified within bounds, so that imported
// users keep their passwords, and rehashed to our argon2id at the first
// login. Hashes out of bounds are refused at import, not when their owner logs in.
//
//   bcrypt   $2a$ $2b$ $2y$ cost 4 to 14                        crypt(3); Django's "bcrypt$" before it
//   scrypt   $scrypt$ln=14,r=8,p=1$SALT$TAG                     up to 256 MiB
//   PBKDF2   $pbkdf2-sha256$29000$SALT$TAG, -sha512             passlib; PHC with i=29000
//            pbkdf2_sha256$29000$SALT$TAG                       Django, salt as it is
//   argon2   $argon2i$ $argon2d$ $argon2id$, v=16 or 19         up to 256 MiB; Django's "argon2" before it
//
// Everything here is pure computation; verify_foreign() belongs on the hashing queue.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/refusal.h"

namespace foyer::accounts {

// Bounds of one verification.
inline constexpr std::uint64_t kMostHashMemory = 256ULL * 1024 * 1024; // bytes
inline constexpr std::uint64_t kLongestHashTime = 2'500'000'000; // nanoseconds, as returned by verification_time()
inline constexpr std::uint32_t kHighestBcryptCost = 14;
inline constexpr std::size_t kMaxHashBytes = 512;

// The hash as stored: without a framework's prefix, and bcrypt as
// $bcrypt$cost=12$2b$…, so that the part before the salt shows its cost. HASH_UNSUPPORTED.
[[nodiscard]] Result<std::string> importable_hash(std::string_view hash);

// False for everything that importable_hash() refuses.
[[nodiscard]] bool verify_foreign(std::string_view password, std::string_view hash);

// How long verifying this hash takes on an ordinary core, in nanoseconds: for
// comparing hashes of different kinds. Also for our own; 0: nothing can match it.
[[nodiscard]] std::uint64_t verification_time(std::string_view hash);

// A hash that nothing matches, with the cost of hashes with this prefix. The
// prefix is everything before the salt, "$argon2id$v=19$m=19456,t=2,p=1$". Empty: not understood.
[[nodiscard]] std::string dummy_hash(std::string_view beginning);

} // namespace foyer::accounts

// OpenSSL's objects with owners, for the .cc files of this folder only: algorithms
// are fetched once, and contexts are prepared once per thread.
#pragma once

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/releases.h"
#include "jose/algorithm.h"

namespace foyer::jose {

using Pkey = std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Releases<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Releases<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Releases<BN_clear_free>>;
using NumberContext = std::unique_ptr<BN_CTX, Releases<BN_CTX_free>>;

inline const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
inline unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// Restores the thread's error queue.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

[[noreturn]] inline void openssl_fails(const char* what) { throw std::runtime_error(what); }
template <class T>
T* needed(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

[[nodiscard]] Number number_of(std::string_view big_endian);
[[nodiscard]] std::string bytes_of(const BIGNUM* number);                    // minimal; empty for zero
[[nodiscard]] std::string bytes_of(const BIGNUM* number, std::size_t width); // with leading zeros
[[nodiscard]] Number number_param(const EVP_PKEY* key, const char* name);    // null if the key has none

[[nodiscard]] const EVP_MD* digest_of(Algorithm algorithm); // SHA-256, SHA-384 or SHA-512, fetched once
struct Digest {
  std::array<unsigned char, 64> bytes;
  std::size_t size;
};
[[nodiscard]] Digest digest(Algorithm algorithm, std::string_view input);

[[nodiscard]] std::string write_pem(EVP_PKEY* key, bool with_private);

// Contexts of this thread by the id of a key and its use. Setting one up costs more
// than many operations do, and threads must not share one. An id is never
// reused, so the context of a destroyed key only takes memory until it is overwritten.
[[nodiscard]] std::uint64_t new_prepared_id(); // room for kPreparedUses of its own
inline constexpr std::uint64_t kPreparedUses = 64;

template <class Owner, std::size_t kSlots = 16>
class PreparedHere {
 public:
  // The context of `id`, created by `make` the first time.
  template <class Make>
  static typename Owner::pointer get(std::uint64_t id, Make make) {
    thread_local PreparedHere here;
    for (auto& slot : here.slots_)
      if (slot.id == id) return slot.context.get();
    Owner made = make();
    Slot& slot = here.slots_[here.next_++ % kSlots];
    slot.context = std::move(made);
    slot.id = id;
    return slot.context.get();
  }

 private:
  struct Slot {
    std::uint64_t id = 0; // 0: empty
    Owner context;
  };
  std::array<Slot, kSlots> slots_;
  std::size_t next_ = 0;
};

} // namespace foyer::jose

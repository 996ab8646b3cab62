// Small facts that all nodes must agree on, for a while: that something was used, a value until it ends, how often
// something happened, and who may act. Nonces, tickets, limits and leases are built from these.
//
// Nothing here outlives a loss of the implementation's memory: durable facts belong in a database. An answer comes
// before the call returns, or on the implementation's executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/completion.h"
#include "base/refusal.h"

namespace foyer::engine {

// A kind and a name. The kind is a word of the code ("nonce"), the name may come from a client.
struct SharedKey {
  std::string kind;
  std::string name;
};

struct TakeRequest {
  SharedKey key;
  std::string by = {};         // the taker, as reported to later callers
  Millis remember{0};          // how long it stays taken. For a value: as long as the value
  std::size_t most = SIZE_MAX; // limit of remembered entries of this kind; beyond: BUSY
};
struct Taken {
  bool first = false; // this call took it
  std::string by = {};
  Millis ago{0};
};

struct PutRequest {
  SharedKey key;
  std::string value = {};
  Millis life{0};
  Millis remember{0};          // after its end, so that late callers learn that it existed
  std::size_t most = SIZE_MAX; // limit of this kind, including remembered ones. Beyond, the oldest ended one is
                               // dropped, otherwise BUSY
};
struct Kept {
  std::string value;
  Millis left{0};                  // negative or 0: it ended so long ago
  std::optional<Taken> taken = {}; // by take_once of the same key
};

struct CountRequest {
  SharedKey key;
  std::uint32_t most = 0; // in any `window`
  Millis window{0};
};
struct Counted {
  bool within = false; // it was counted; otherwise nothing was
  Millis retry_after{0};
};

struct LeaseRequest {
  SharedKey key;
  std::string holder;
  Millis life{0}; // from now on; requested again by its holder it is renewed
};
struct Lease {
  std::string holder;     // the current holder
  std::uint64_t term = 0; // rises with each new holder, and when a lapsed lease is granted anew. It is checked
                          // where the holder writes: a holder with an older term writes nothing.
  Millis left{0};
};

// That something was used, and values until they end.
class SharedEntries {
 public:
  virtual ~SharedEntries() = default;

  // The first caller takes it; later callers learn who was first, as long as that is remembered. BUSY. A put value
  // is also taken this way, even after its end: the caller has looked at it.
  virtual void take_once(TakeRequest question, Completion<Taken> done) = 0;
  // False: the key exists, and keeps its value. BUSY.
  virtual void put_until(PutRequest question, Completion<bool> done) = 0;
  virtual void find(SharedKey key, Completion<std::optional<Kept>> done) = 0;

  // How many entries of a kind are taken or put and remembered, as far as this node knows: a gauge.
  [[nodiscard]] virtual std::size_t remembered(std::string_view kind) const = 0;
};

class SharedState : public SharedEntries {
 public:
  // Counts one more, unless that would be too many. The implementation documents how exact it is across nodes.
  virtual void count_in_window(CountRequest question, Completion<Counted> done) = 0;
  // Grants the lease to the caller if it has no holder.
  virtual void lease(LeaseRequest question, Completion<Lease> done) = 0;
  // Ends a lease of this holder and term; otherwise no effect.
  virtual void end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) = 0;
};

} // namespace foyer::engine

// Small facts on which all nodes have to agree, for a while: that something was used, a value until it ends, how often
// something happened, and who may act. Nonces, tickets, limits and leases are made of these.
//
// Nothing here outlives a loss of the implementation's memory: what must, is in a database. An answer comes before the
// call returns, or on the executor that the implementation was given.
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

// What something is, and which one of them. The kind is a word of the code ("nonce"), the name may be anybody's.
struct SharedKey {
  std::string kind;
  std::string name;
};

struct TakeRequest {
  SharedKey key;
  std::string by = {};         // who takes it, as a later caller is answered
  Millis remember{0};          // that it is taken, from now on. Of a value: as long as the value
  std::size_t most = SIZE_MAX; // of this kind that are remembered at once; beyond: BUSY
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
  Millis remember{0};          // after its end, so that who comes late learns that it was there
  std::size_t most = SIZE_MAX; // of this kind, with the remembered ones. Beyond, the oldest that has ended makes way,
                               // else BUSY
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
  bool within = false; // it was counted; else nothing was
  Millis retry_after{0};
};

struct LeaseRequest {
  SharedKey key;
  std::string holder;
  Millis life{0}; // from now on; asked again by its holder it is renewed
};
struct Lease {
  std::string holder;     // who has it now
  std::uint64_t term = 0; // rises with each new holder, and when a lease that had lapsed is given anew. It is checked
                          // where the holder writes: whoever has an older term writes nothing.
  Millis left{0};
};

class SharedState {
 public:
  virtual ~SharedState() = default;

  // The first caller takes it; everybody else learns who was first, as long as that is remembered. BUSY. What was put
  // is taken so, too, also after its end: whoever takes it has looked.
  virtual void take_once(TakeRequest question, Completion<Taken> done) = 0;
  // False: the key is there already, and keeps its value. BUSY.
  virtual void put_until(PutRequest question, Completion<bool> done) = 0;
  virtual void find(SharedKey key, Completion<std::optional<Kept>> done) = 0;
  // Counts one more, unless that would be too many. How exact it is across nodes the implementation says.
  virtual void count_in_window(CountRequest question, Completion<Counted> done) = 0;
  // Gives the lease to whoever asks when nobody has it.
  virtual void lease(LeaseRequest question, Completion<Lease> done) = 0;
  // Ends a lease of this holder and term; of another it does nothing.
  virtual void end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) = 0;

  // How much of a kind was taken or put and is remembered, as far as this node knows: a gauge.
  [[nodiscard]] virtual std::size_t remembered(std::string_view kind) const = 0;
};

} // namespace foyer::engine

// Shared state of one process, for a single-node installation. Exact, bounded, used on one thread; every answer comes
// before the call returns.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>

#include "engine/shared_state.h"

namespace foyer::engine {

class MemorySharedState final : public SharedState {
 public:
  // At most `most_counted` keys are counted; beyond, the least recently used is forgotten. The clock outlives this.
  explicit MemorySharedState(const Clock& clock, std::size_t most_counted = 65'536)
      : clock_(clock),
        most_counted_(most_counted) {}

  void take_once(TakeRequest question, Completion<Taken> done) override;
  void put_until(PutRequest question, Completion<bool> done) override;
  void find(SharedKey key, Completion<std::optional<Kept>> done) override;
  void count_in_window(CountRequest question, Completion<Counted> done) override;
  void lease(LeaseRequest question, Completion<Lease> done) override;
  void end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) override;
  [[nodiscard]] std::size_t remembered(std::string_view kind) const override;

 private:
  // 128 bits of the SHA-256 of a name: names may be long and chosen by clients.
  using Digest = std::array<std::uint64_t, 2>;
  struct DigestHash {
    std::size_t operator()(const Digest& d) const noexcept { return d[0]; }
  };
  [[nodiscard]] static Digest digest(const std::string& name);

  struct Mark {
    MonoTime at{};
    std::string by;
    [[nodiscard]] Taken seen(MonoTime now) const;
  };
  struct Value {
    MonoTime end{};
    std::string value;
    std::optional<Mark> taken = {};
  };
  // The entries of one kind, with their ends. Ends are nearly in order: a kind has one life, or few.
  template <class Entry>
  struct Kind {
    std::unordered_map<Digest, Entry, DigestHash> entries;
    std::deque<std::pair<MonoTime, Digest>> ends;
    void forget_old(MonoTime now);
    void forget_oldest();
    void add(const Digest& name, Entry entry, MonoTime end);
  };
  [[nodiscard]] static Refusal full(const std::string& kind, std::size_t remembered, Millis wait);

  struct Counts {
    std::deque<MonoTime> times;
    std::list<std::string>::iterator age;
  };
  struct Held {
    std::string holder;
    std::uint64_t term = 0;
    MonoTime until{};
  };

  const Clock& clock_;
  const std::size_t most_counted_;
  std::map<std::string, Kind<Mark>, std::less<>> taken_; // taken without having been put
  std::map<std::string, Kind<Value>, std::less<>> kept_;
  std::unordered_map<std::string, Counts> counts_; // by kind, zero byte, name
  std::list<std::string> counts_by_age_;           // front: least recently used
  std::unordered_map<std::string, Held> leases_;   // never forgotten: the code has few kinds and names
};

} // namespace foyer::engine

// Reports refusals to the operator: a ring of the recent
// ones (GET /api/refusals, `foyer why REF`), a metric, and a log line.
//
// A flood must not displace the records worth reading: the ring holds at most 64
// records per code and 1,024 in all, and equal (code, address) within a second of
// the first are counted in its record, not repeated. When a code has its 64, one record
// goes: in the network with the most records, the oldest of the address with the most.
// Seventy failed logins from one address leave another client's record in place. The log
// counts likewise and reports the number of omitted lines as `suppressed`.
//
// Everything here is thread safe. It is called when a connection or a command is
// refused, never on the path of a message.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/http.h"
#include "base/log.h"
#include "base/metrics.h"
#include "observe/info.h"

namespace foyer::observe {

class RefusalRing {
 public:
  static constexpr std::size_t kPerCode = 64;
  static constexpr std::size_t kInAll = 1024;
  static constexpr std::size_t kMostAsked = 1000; // records returned by one find()
  // Refs of counted refusals that still find their record.
  static constexpr std::size_t kRefsPerRecord = 16;
  static constexpr Millis kSame{1000};

  // False when it was counted into an existing record.
  bool record(RefusalRecord record);
  // Newest first. A record found by the ref of a counted refusal is given under that ref.
  [[nodiscard]] std::vector<RefusalRecord> find(const RefusalFilter& filter) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    RefusalRecord record;
    std::string network;
    std::vector<Ref> counted;
  };
  using Entries = std::list<Entry>; // oldest first
  [[nodiscard]] std::deque<Entries::iterator>& largest_code();
  // Makes room among the records of one code for one more of `network`.
  void drop_of_largest_share(
      std::deque<Entries::iterator>& same_code, const std::string& network, const std::string& address);

  mutable std::mutex mutex_;
  Entries entries_;
  std::unordered_map<Cause, std::deque<Entries::iterator>> by_cause_; // oldest first
};

class RefusalReporter {
 public:
  static constexpr std::size_t kWatched = 4096;       // (code, address) pairs whose repetitions are counted
  static constexpr std::uint32_t kLinesPerCode = 100; // a second, from any number of addresses

  // All must outlive the reporter.
  RefusalReporter(RefusalRing& ring, Metrics& metrics, Log& log, const Clock& clock);

  // Ring, metric foyer_refusals_total{code,step}, and one log line, event `refused`. Its
  // path is kept and reported in the form of shown_path; its time is that of this call.
  void report(RefusalRecord record);
  // A refusal of an HTTP request, with the user it belongs to if known.
  void report(const Request& request, Refusal refusal, std::string user = {});
  // Of a socket before any bytes were read, or of a session.
  void report(Ref ref, Refusal refusal, std::string_view address, std::string user = {});
  // Reports what was suppressed and not yet reported with a later line, event
  // `refusals_suppressed`. Called now and then, and at the end.
  void flush();

 private:
  struct Window {
    MonoTime since{};
    std::uint64_t suppressed = 0;
  };
  struct Budget {
    MonoTime since{};
    std::uint32_t lines = 0;
    std::uint64_t suppressed = 0;
  };
  struct Key {
    Cause cause;
    std::string address;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Suppressed {
    Cause cause;
    std::string address; // empty: several
    std::uint64_t suppressed;
  };

  // The number omitted before this line; nullopt: omit this one, too.
  std::optional<std::uint64_t> admit_line(Cause cause, const std::string& address, MonoTime now);
  std::vector<Suppressed> sweep(MonoTime now);
  void report_all(const std::vector<Suppressed>& unreported);

  RefusalRing& ring_;
  Log& log_;
  const Clock& clock_;
  std::vector<Counter*> counters_; // by cause
  std::mutex mutex_;
  std::unordered_map<Key, Window, KeyHash> windows_;
  std::vector<Budget> budgets_; // by cause
  MonoTime swept_{};
};

// "readiness 0.004, transport 0.012": milliseconds; steps not examined are left out.
[[nodiscard]] std::string describe(const StepTimes& times);

} // namespace foyer::observe

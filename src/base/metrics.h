// Counters, gauges and histograms, written as Prometheus text (version 0.0.4).
// Registration takes a lock and happens at start; increments are relaxed atomics.
// No label ever contains a value from a client.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foyer {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t v) noexcept { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds); // ascending upper bounds; +Inf is implied
  void observe(double value) noexcept;

 private:
  friend class Metrics;
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<double> sum_{0};
};

class Metrics {
 public:
  // The same name and labels give the same instrument. Names: foyer_…, counters end in _total.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels = {});
  // Called when the text is written, from any thread.
  void gauge_callback(std::string_view name, std::string_view help, std::function<double()> read, Labels labels = {});
  void counter_callback(std::string_view name, std::string_view help, std::function<double()> read, Labels labels = {});
  [[nodiscard]] std::string text() const;

 private:
  struct Series;
  struct Family;
  Family& family(std::string_view name, std::string_view help, std::string_view type);
  Series& series(Family& f, Labels labels);
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Family>> families_;

 public:
  Metrics();
  ~Metrics();
};

} // namespace foyer

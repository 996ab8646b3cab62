#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace foyer {

struct Metrics::Series {
  Labels labels;
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> read;
};

struct Metrics::Family {
  std::string name;
  std::string help;
  std::string type;
  std::vector<std::unique_ptr<Series>> series;
};

namespace {

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
  return out;
}

// {a="1",b="2"}, with `extra` (already written) as the last label; nothing when there are none.
std::string written(const Labels& labels, std::string_view extra = {}) {
  std::string out;
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value, true));
  if (!extra.empty()) out += fmt::format("{}{}", out.empty() ? "" : ",", extra);
  return out.empty() ? out : "{" + out + "}";
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

} // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1)) {
  if (!std::ranges::is_sorted(bounds_)) throw std::logic_error("the bounds of a histogram must be sorted");
}

void Histogram::observe(double value) noexcept {
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(std::string_view name, std::string_view help, std::string_view type) {
  const auto found = std::ranges::find_if(families_, [name](const auto& f) { return f->name == name; });
  if (found != families_.end()) {
    if ((*found)->type != type)
      throw std::logic_error(fmt::format("metric {} is a {}, not a {}", name, (*found)->type, type));
    return **found;
  }
  families_.push_back(std::make_unique<Family>(Family{std::string(name), std::string(help), std::string(type), {}}));
  return *families_.back();
}

Metrics::Series& Metrics::series(Family& f, Labels labels) {
  const auto found = std::ranges::find_if(f.series, [&labels](const auto& s) { return s->labels == labels; });
  if (found != f.series.end()) return **found;
  f.series.push_back(std::make_unique<Series>());
  f.series.back()->labels = std::move(labels);
  return *f.series.back();
}

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  const std::scoped_lock lock(mutex_);
  Series& s = series(family(name, help, "counter"), std::move(labels));
  if (!s.counter) s.counter = std::make_unique<Counter>();
  return *s.counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  const std::scoped_lock lock(mutex_);
  Series& s = series(family(name, help, "gauge"), std::move(labels));
  if (!s.gauge) s.gauge = std::make_unique<Gauge>();
  return *s.gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels) {
  const std::scoped_lock lock(mutex_);
  Series& s = series(family(name, help, "histogram"), std::move(labels));
  if (!s.histogram) s.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *s.histogram;
}

void Metrics::gauge_callback(
    std::string_view name, std::string_view help, std::function<double()> read, Labels labels) {
  const std::scoped_lock lock(mutex_);
  series(family(name, help, "gauge"), std::move(labels)).read = std::move(read);
}

void Metrics::counter_callback(
    std::string_view name, std::string_view help, std::function<double()> read, Labels labels) {
  const std::scoped_lock lock(mutex_);
  series(family(name, help, "counter"), std::move(labels)).read = std::move(read);
}

std::string Metrics::text() const {
  const std::scoped_lock lock(mutex_);
  std::string out;
  for (const auto& f : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", f->name, escaped(f->help, false), f->name, f->type);
    for (const auto& s : f->series) {
      if (s->read)
        out += fmt::format("{}{} {}\n", f->name, written(s->labels), number(s->read()));
      else if (s->counter)
        out += fmt::format("{}{} {}\n", f->name, written(s->labels), s->counter->value());
      else if (s->gauge)
        out += fmt::format("{}{} {}\n", f->name, written(s->labels), s->gauge->value());
      if (!s->histogram) continue;
      const Histogram& h = *s->histogram;
      std::uint64_t total = 0;
      for (std::size_t i = 0; i <= h.bounds_.size(); ++i) {
        total += h.buckets_[i].load(std::memory_order_relaxed);
        const std::string bound = i < h.bounds_.size() ? number(h.bounds_[i]) : "+Inf";
        out += fmt::format("{}_bucket{} {}\n", f->name, written(s->labels, fmt::format("le=\"{}\"", bound)), total);
      }
      // From the buckets, not from count_: the three lines of one page must agree.
      out += fmt::format("{}_sum{} {}\n", f->name, written(s->labels), number(h.sum_.load(std::memory_order_relaxed)));
      out += fmt::format("{}_count{} {}\n", f->name, written(s->labels), total);
    }
  }
  return out;
}

} // namespace foyer

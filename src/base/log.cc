#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"

namespace foyer {
namespace {

constexpr std::size_t kQueueLines = 8192; // older lines are dropped for newer ones
constexpr std::size_t kLongestValue = 16384;

std::string_view word(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// As a JSON string. Text that a terminal or a viewer might execute is
// written in printable()'s notation; clean text stays byte for byte.
void append_json(std::string& out, std::string_view text) {
  bool harmless = text.size() <= kLongestValue && is_utf8(text);
  for (std::size_t i = 0; harmless && i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // JSON's own escapes cover ASCII; C1 controls begin with C2, separators and direction marks with E2 80 or E2 81.
    if (c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) harmless = false;
    if (c == 0xe2 && (static_cast<unsigned char>(text[i + 1]) & 0xfe) == 0x80) harmless = false;
  }
  if (harmless)
    json::append_string(out, text);
  else
    json::append_string(out, printable(text, kLongestValue));
}

void append_json(std::string& out, const Field& field) {
  if (const auto* s = std::get_if<std::string_view>(&field.value))
    append_json(out, *s);
  else if (const auto* i = std::get_if<std::int64_t>(&field.value))
    out += fmt::format("{}", *i);
  else if (const auto* b = std::get_if<bool>(&field.value))
    out += *b ? "true" : "false";
  else if (const auto* d = std::get_if<double>(&field.value))
    out += std::isfinite(*d) ? fmt::format("{}", *d) : "null";
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=") != std::string_view::npos;
}

void append_text(std::string& out, const Field& field) {
  if (const auto* s = std::get_if<std::string_view>(&field.value)) {
    std::string shown = printable(*s, kLongestValue);
    if (!needs_quotes(shown)) {
      out += shown;
      return;
    }
    out += '"';
    for (const char c : shown) {
      if (c == '"') out += '\\';
      out += c;
    }
    out += '"';
    return;
  }
  append_json(out, field);
}

class SpdLog final : public Log {
 public:
  SpdLog(LogFormat format, Level level) : format_(format), level_(level) {
    pool_ = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1);
    spdlog::sink_ptr sink;
    if (format == LogFormat::text) {
      auto coloured = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(spdlog::color_mode::automatic);
      coloured->set_color(spdlog::level::info, coloured->reset);
      coloured->set_color(spdlog::level::debug, coloured->dark);
      sink = std::move(coloured);
    } else {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }
    logger_ = std::make_shared<spdlog::async_logger>(
        "foyer", std::move(sink), pool_, spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_pattern(format == LogFormat::text ? "%^%v%$" : "%v");
    logger_->set_level(spdlog::level::trace);
    logger_->set_error_handler([](const std::string&) {});
  }
  ~SpdLog() override { pool_.reset(); } // its thread writes all lines and ends before the sink is destroyed

  [[nodiscard]] bool enabled(Level level) const noexcept override { return level >= level_; }

  void write(Level level, std::string_view event, std::string_view message,
      std::initializer_list<Field> fields) noexcept override {
    if (!enabled(level)) return;
    try {
      const std::size_t dropped = pool_->overrun_counter();
      const std::size_t reported = reported_.exchange(dropped, std::memory_order_relaxed);
      if (dropped > reported)
        send(Level::warning, "log_lines_dropped",
            "Log lines were dropped because standard error does not accept them fast enough.",
            {{"lines", dropped - reported}, {"total", dropped}});
      send(level, event, message, fields);
    } catch (...) { // a failing log must not affect its caller
    }
  }

 private:
  void send(Level level, std::string_view event, std::string_view message, std::initializer_list<Field> fields) {
    const std::string line = format_line(format_, rfc3339(system_clock().wall()), level, event, message, fields);
    logger_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  }

  LogFormat format_;
  Level level_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
  std::atomic<std::size_t> reported_{0};
};

class NullLog final : public Log {
 public:
  void write(Level, std::string_view, std::string_view, std::initializer_list<Field>) noexcept override {}
  [[nodiscard]] bool enabled(Level) const noexcept override { return false; }
};

} // namespace

std::string format_line(LogFormat format, std::string_view time, Level level, std::string_view event,
    std::string_view message, std::initializer_list<Field> fields) {
  std::string out;
  if (format == LogFormat::json) {
    out += "{\"time\":";
    append_json(out, time);
    out += ",\"level\":";
    append_json(out, word(level));
    out += ",\"event\":";
    append_json(out, event);
    out += ",\"message\":";
    append_json(out, message);
    for (const auto& field : fields) {
      out += ',';
      append_json(out, field.key);
      out += ':';
      append_json(out, field);
    }
    out += '}';
    return out;
  }
  out = fmt::format("{} {:<7} {}: {}", time, word(level), printable(event), printable(message, kLongestValue));
  for (const auto& field : fields) {
    out += ' ';
    out += printable(field.key);
    out += '=';
    append_text(out, field);
  }
  return out;
}

std::unique_ptr<Log> make_log(LogFormat format, Level level) { return std::make_unique<SpdLog>(format, level); }

Log& null_log() {
  static NullLog log;
  return log;
}

} // namespace foyer

// Structured logging. A line is {"time","level","event","message",…fields}. It
// cannot throw, never blocks a loop (the sink is asynchronous and bounded;
// dropped lines are counted), and never takes part in a decision.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace foyer {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { json, text };

struct Field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view{v}) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view{v}) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  template <std::integral T>
  Field(std::string_view k, T v) : key(k),
                                   value(static_cast<std::int64_t>(v)) {}
};

class Log {
 public:
  virtual ~Log() = default;
  virtual void write(Level level, std::string_view event, std::string_view message,
      std::initializer_list<Field> fields = {}) noexcept = 0;
  [[nodiscard]] virtual bool enabled(Level level) const noexcept = 0;

  void debug(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    if (enabled(Level::debug)) write(Level::debug, event, message, fields);
  }
  void info(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    write(Level::info, event, message, fields);
  }
  void warning(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    write(Level::warning, event, message, fields);
  }
  void error(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    write(Level::error, event, message, fields);
  }
};

// Writes to standard error through spdlog. Colours only in text format on a terminal.
[[nodiscard]] std::unique_ptr<Log> make_log(LogFormat format, Level level);
// Discards everything.
[[nodiscard]] Log& null_log();
// One line without its line feed, as make_log's sinks write it (for tests and for the sinks).
[[nodiscard]] std::string format_line(LogFormat format, std::string_view time, Level level, std::string_view event,
    std::string_view message, std::initializer_list<Field> fields);

} // namespace foyer

// RESP2, the protocol of Valkey and Redis: commands to bytes, bytes to replies. hiredis reads and formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace foyer::redis {

struct Reply {
  enum class Kind : std::uint8_t { nil, integer, text, status, error, array };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text = {};         // text, status, error
  std::vector<Reply> items = {}; // array

  [[nodiscard]] bool is_nil() const { return kind == Kind::nil; }
  [[nodiscard]] bool is_text() const { return kind == Kind::text || kind == Kind::status; }
  friend bool operator==(const Reply&, const Reply&) = default;
};

// The name of a command and its arguments, all of them bytes.
using Command = std::vector<std::string>;
void append_command(std::string& out, std::span<const std::string> words);

struct ReplyLimits {
  std::size_t bytes = 64 * 1024 * 1024; // of one reply as received; also of an unfinished one
  std::size_t items = 1'000'000;        // of one reply, at all depths
};

// A stream of replies. After an error it reads nothing any more.
class ReplyReader {
 public:
  static constexpr std::size_t kPiece = 16 * 1024; // hiredis gets no more at once

  explicit ReplyReader(ReplyLimits limits = {});
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void feed(std::string_view bytes);
  // The next complete reply, in order. Nothing: more bytes are needed, or there was an error.
  [[nodiscard]] std::optional<Reply> next();
  // Empty: none. Final; quotes nothing of what was received but single characters.
  [[nodiscard]] const std::string& error() const { return error_; }

  struct Building; // the reply that is being read

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  void give_to_hiredis();

  const ReplyLimits limits_;
  std::unique_ptr<Building> building_;
  std::unique_ptr<redisReader, Free> reader_;
  std::string ahead_;     // fed and not given to hiredis
  std::size_t given_ = 0; // of `ahead_`
  std::size_t begun_ = 0; // bytes that hiredis got since its last reply
  std::string error_;
};

} // namespace foyer::redis

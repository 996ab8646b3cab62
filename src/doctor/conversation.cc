#include "doctor/conversation.h"

#include "base/bytes.h"
#include "wire/extensions.h"

namespace foyer::doctor {
namespace {

constexpr std::uint32_t kMostMessageBytes = 1024 * 1024;
constexpr std::size_t kKeptMessages = 8;
constexpr std::size_t kKeptMessageBytes = 4 * 1024;
constexpr std::size_t kKeptTalkBytes = 256;
constexpr std::string_view kPing = "foyer-doctor";
constexpr std::uint16_t kNormalClosure = 1000;

} // namespace

Conversation::Conversation(
    Stream& stream, Entropy& entropy, const Deadline& run, const ProbeLimits& limits, const Exchange& opening)
    : stream_(stream),
      entropy_(entropy),
      run_(run),
      limits_(limits),
      decoder_(wire::WsRole::client, kMostMessageBytes),
      watch_(run.clock()),
      since_ping_(run.clock()) {
  const auto chosen = wire::parse_extensions(opening.headers.joined("Sec-WebSocket-Extensions"));
  if (opening.deflate_offered && chosen && chosen->size() == 1 && chosen->front().name == "permessage-deflate")
    decoder_.allow_deflate(inflaters_, 15, true); // the largest window reads what any smaller one wrote
}

bool Conversation::on_message(wire::Opcode /*kind*/, std::string_view payload) {
  if (talk_.messages.size() < kKeptMessages) talk_.messages.emplace_back(payload.substr(0, kKeptMessageBytes));
  return true;
}

bool Conversation::on_ping(std::string_view payload) {
  if (!closing_) send(wire::Opcode::pong, payload);
  return true;
}

bool Conversation::on_pong(std::string_view payload) {
  if (payload != kPing || talk_.pong) return true;
  talk_.pong = since_ping_.elapsed();
  talk_.pong_after_close = closing_;
  return true;
}

bool Conversation::on_close(std::uint16_t code, std::string_view reason) {
  talk_.close = code;
  talk_.close_reason = std::string{reason};
  talk_.close_before_ours = !closing_;
  return false;
}

bool Conversation::over() const { return talk_.close || !talk_.broken.empty() || talk_.ending != Ending::open; }

void Conversation::take(std::string_view bytes) {
  if (talk_.first_bytes.size() < kKeptTalkBytes)
    talk_.first_bytes.append(bytes.substr(0, kKeptTalkBytes - talk_.first_bytes.size()));
  std::string room(bytes);
  room.resize(bytes.size() + wire::kPadding);
  const wire::WsError error = decoder_.feed({room.data(), bytes.size()}, *this);
  if (error.close == 0) return;
  talk_.broken = std::string{error.what};
  talk_.broken_code = error.close;
}

void Conversation::send(wire::Opcode kind, std::string_view payload) {
  std::string frame;
  wire::append_masked_frame(frame, kind, payload, static_cast<std::uint32_t>(entropy_.number()));
  // A failure shows in what is read next: the peer's end, with its last words before it.
  (void)stream_.write(frame, run_.within(limits_.close));
}

template <class Wanted>
void Conversation::read_until(const Deadline& deadline, Wanted wanted) {
  while (!over() && !wanted()) {
    std::string bytes;
    const Ending ending = stream_.read(bytes, deadline);
    if (!bytes.empty()) take(bytes);
    if (ending == Ending::open) continue;
    if (ending != Ending::silent) {
      talk_.ending = ending;
      talk_.fault = stream_.fault();
    }
    return;
  }
}

Talk Conversation::hold(const TalkAsk& ask, std::string_view first) {
  if (!first.empty()) take(first);
  for (const auto& text : ask.say)
    if (!over()) send(wire::Opcode::text, text);
  if (ask.messages > 0) read_until(run_.within(limits_.pong), [&] { return talk_.messages.size() >= ask.messages; });
  if (ask.quiet) read_until(Deadline(run_.clock(), *ask.quiet), [] { return false; });
  if (!over()) {
    since_ping_ = Stopwatch(run_.clock());
    send(wire::Opcode::ping, kPing);
    read_until(run_.within(limits_.pong), [&] { return talk_.pong.has_value(); });
  }
  if (!over()) {
    closing_ = true;
    send(wire::Opcode::close, wire::close_payload(kNormalClosure, ""));
    read_until(run_.within(limits_.close), [] { return false; });
    if (!over()) talk_.ending = Ending::silent;
  }
  talk_.took = watch_.elapsed();
  return std::move(talk_);
}

} // namespace foyer::doctor

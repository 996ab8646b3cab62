// `foyer chat`: sockets, timers and the terminal around the machine of chat_session.h.
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <future>
#include <memory>

#include "base/bytes.h"
#include "cli/chat/chat_options.h"
#include "cli/chat/chat_session.h"
#include "cli/command.h"
#include "client/ws_client.h"

namespace foyer::cli {
namespace {

constexpr std::size_t kMaxLine = 64 * 1024;
constexpr std::size_t kMostLines = 1000; // read ahead of the server's answers
constexpr Millis kFarewell{2'000};
constexpr int kMostCodes = 3; // of the second factor, before it gives up

// Lines of standard input. If a secret comes first, it reads no further than
// that line, since the rest belongs to the chat.
class Input {
 public:
  // Up to the next line end; nullopt at the end of input.
  std::optional<std::string> line_now() {
    for (;;) {
      if (auto line = take()) return line;
      if (!fill()) return rest();
    }
  }
  // One read, when poll reports input. False at the end.
  bool fill() {
    char buffer[4096];
    ssize_t size = 0;
    do size = ::read(STDIN_FILENO, buffer, sizeof buffer);
    while (size < 0 && errno == EINTR);
    if (size <= 0) return false;
    held_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }
  std::optional<std::string> take() {
    const std::size_t end = held_.find('\n');
    if (end == std::string::npos && held_.size() < kMaxLine) return std::nullopt;
    const std::size_t size = std::min(end, kMaxLine);
    std::string line = held_.substr(0, size);
    held_.erase(0, end == std::string::npos || size < end ? size : size + 1);
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
  // The text after the last line end.
  std::optional<std::string> rest() {
    if (held_.empty()) return std::nullopt;
    return std::exchange(held_, {});
  }

 private:
  std::string held_;
};

// Turns off the terminal's echo for its lifetime.
class NoEcho {
 public:
  NoEcho() : terminal_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!terminal_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() {
    if (!terminal_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    fmt::print(stderr, "\n");
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool terminal_;
};

// Carries out the session's actions. All but the constructor and the two posts run on the plane's thread.
class Driver {
 public:
  Driver(ChatOptions options, Tokens tokens, int ended_event)
      : options_(std::move(options)),
        tokens_(std::move(tokens)),
        ended_event_(ended_event),
        session_({.rooms = options_.rooms,
                     .history = options_.history,
                     .can_refresh = !tokens_.refresh.empty(),
                     .raw = options_.raw},
            tokens_.access, system_entropy()),
        plane_("chat") {}

  void start() {
    plane_.post([this] { perform(session_.start()); });
    plane_.every(ChatSession::kTick, [this] { tick(); });
  }
  void typed(std::string line) {
    ++lines_posted_;
    plane_.post([this, line = std::move(line)]() mutable {
      --lines_posted_;
      perform(session_.typed(std::move(line)));
    });
  }
  void end_of_input() {
    plane_.post([this] { perform(session_.end_of_input()); });
  }
  [[nodiscard]] bool has_room_for_lines() const { return lines_posted_ + lines_waiting_ < kMostLines; }
  int stop() {
    std::promise<void> gone;
    plane_.post([&] {
      socket_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
    plane_.stop();
    return status_;
  }

 private:
  void perform(Actions actions) {
    for (Action& action : actions) std::visit([this](auto& a) { run(a); }, action);
    lines_waiting_ = session_.lines_waiting();
  }
  void run(act::Connect&) { connect(); }
  void run(act::Send& send) {
    if (socket_) socket_->send_text(send.text);
  }
  void run(act::Drop&) { socket_.reset(); }
  void run(act::Leave&) {
    if (!socket_) return;
    socket_->close(1000, "");
    leaving_ = true;
  }
  void run(act::Show& show) {
    fmt::print("{}\n", show.text);
    std::fflush(stdout);
  }
  void run(act::Note& text) { fmt::print(stderr, "{}\n", text.text); }
  void run(act::Wake& wake) {
    plane_.cancel(alarm_);
    alarm_ = plane_.after(wake.after, [this] { perform(session_.woke()); });
  }
  void run(act::Refresh&) {
    client::http_request(plane_, refresh_call(options_, tokens_.refresh), [this](const client::HttpResult& answer) {
      auto tokens = read_login(answer);
      if (!tokens) return perform(session_.refresh_failed(tokens.error().refusal, tokens.error().what));
      tokens_.access = tokens->access;
      if (!tokens->refresh.empty()) tokens_.refresh = tokens->refresh;
      perform(session_.refreshed(tokens_.access));
    });
  }
  void run(act::Call& call) {
    client::http_request(plane_, account_call(options_, tokens_.access, std::move(call.method), std::move(call.path)),
        [this](const client::HttpResult& answer) {
      if (!answer) return perform(session_.call_failed(std::nullopt, answer.error().what));
      if (answer->status >= 200 && answer->status < 300) return perform(session_.answered(answer->body));
      const bool foreign = answer->headers.find("x-foyer") == nullptr;
      perform(session_.call_failed(refusal_from(*answer),
          fmt::format("The server answered with {}{}.", answer->status, foreign ? ", and it is not Foyer" : "")));
    });
  }
  void run(act::AskWhy&) {
    client::HttpCall call{
        .url = http_url(options_.socket, options_.socket.path.substr(options_.socket.path.find("/ws/"))),
        .headers = {},
        .body = {},
        .tls = options_.tls};
    client::http_request(plane_, std::move(call), [this](const client::HttpResult& answer) {
      perform(session_.why(answer ? refusal_from(*answer) : std::nullopt));
    });
  }
  void run(act::Finish& finish) {
    status_ = finish.status;
    if (leaving_)
      plane_.after(kFarewell, [this] { signal_ended(); });
    else
      signal_ended();
  }

  void connect() {
    client::WsClient::Events events;
    events.opened = [this](const Response&) { perform(session_.opened()); };
    events.failed = [this](const client::WsFailure& failure) {
      ChatSession::Failure reported{.what = failure.error.what};
      if (failure.answer) {
        reported.refusal = refusal_from(*failure.answer);
        reported.status = failure.answer->status;
        reported.foreign = failure.answer->headers.find("x-foyer") == nullptr;
      }
      perform(session_.handshake_failed(reported));
    };
    events.text = [this](std::string_view text) { perform(session_.received(text)); };
    events.closed = [this](std::uint16_t code, std::string_view reason) {
      if (leaving_) return signal_ended();
      perform(session_.closed(code, reason));
    };
    socket_ = std::make_unique<client::WsClient>(plane_, system_entropy(), options_.socket,
        client::WsOptions{.headers = {}, .subprotocols = {"foyer.v1"}, .tls = options_.tls}, std::move(events));
    received_ = 0;
  }
  void tick() {
    const std::uint64_t received = socket_ ? socket_->received() : 0;
    perform(session_.tick(received != std::exchange(received_, received)));
  }
  void signal_ended() const {
    const std::uint64_t one = 1;
    (void)!::write(ended_event_, &one, sizeof one);
  }

  ChatOptions options_;
  Tokens tokens_;
  int ended_event_;
  ChatSession session_;
  std::unique_ptr<client::WsClient> socket_;
  std::uint64_t received_ = 0;
  TimerId alarm_ = 0;
  int status_ = 0;
  bool leaving_ = false;
  std::atomic<std::size_t> lines_posted_ = 0;
  std::atomic<std::size_t> lines_waiting_ = 0;
  exec::ControlPlane plane_; // last: its thread ends first
};

// Passes lines on until the session ends; the end of input is reported once.
void read_until_ended(Driver& driver, Input& input, int ended_event) {
  bool at_end = false;
  for (;;) {
    while (!at_end && driver.has_room_for_lines()) {
      auto line = input.take();
      if (!line) break;
      driver.typed(std::move(*line));
    }
    const bool reading = !at_end && driver.has_room_for_lines();
    pollfd files[2] = {{ended_event, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (::poll(files, reading ? 2 : 1, reading || at_end ? -1 : 20) < 0 && errno != EINTR) return;
    if ((files[0].revents & POLLIN) != 0) return;
    if (!reading || files[1].revents == 0 || input.fill()) continue;
    at_end = true;
    if (auto last = input.rest()) driver.typed(std::move(*last));
    driver.end_of_input();
  }
}

std::expected<Tokens, int> credentials(ChatOptions& options, Input& input) {
  const auto first_line = [&]() -> std::optional<std::string> {
    auto line = input.line_now();
    if (!line || line->empty()) {
      fmt::print(stderr, "foyer chat: the first line of input is empty\n");
      return std::nullopt;
    }
    return line;
  };
  if (options.name.empty()) {
    if (options.token_from_input) {
      auto token = first_line();
      if (!token) return std::unexpected(kCouldNotRun);
      options.token = std::move(*token);
    }
    return Tokens{.access = options.token, .refresh = {}};
  }
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  const auto secret = [&](const std::string& prompt) {
    fmt::print(stderr, "{}", prompt);
    const NoEcho quiet;
    return first_line();
  };
  auto password = options.password_from_input || !terminal
      ? first_line()
      : secret(fmt::format("Password of {}: ", printable(options.name, 64)));
  if (!password) return std::unexpected(kCouldNotRun);
  if (options.totp_from_input) {
    auto code = first_line();
    if (!code) return std::unexpected(kCouldNotRun);
    options.totp = std::move(*code);
  }
  // The second factor is sent when the server requires it; in a terminal a mistyped one may be typed again.
  std::string totp;
  for (int asked = 0;; ++asked) {
    auto tokens = read_login(client::http_request(login_call(options, *password, totp)));
    if (tokens) return *tokens;
    const LoginFailure& failure = tokens.error();
    const bool required = failure.refusal && failure.refusal->code == code_of(Cause::TOTP_REQUIRED);
    const bool rejected = failure.refusal && failure.refusal->code == code_of(Cause::TOTP_REJECTED);
    if (required && totp.empty() && !options.totp.empty()) {
      totp = options.totp;
      continue;
    }
    if (!required || !terminal)
      fmt::print(stderr, "{}\n", failure.refusal ? refusal_text(*failure.refusal) : failure.what);
    if (required && !terminal)
      fmt::print(stderr,
          "  Send it on the line after the password with --totp-stdin, or set the environment variable FOYER_TOTP.\n");
    if (!(required || rejected) || !terminal || asked == kMostCodes)
      return std::unexpected(failure.refusal ? 1 : kCouldNotRun);
    auto code = secret("Code from your authenticator, or a recovery code: ");
    if (!code) return std::unexpected(kCouldNotRun);
    totp = std::move(*code);
  }
}

} // namespace

int run_chat(Args args) {
  auto options = parse_chat_options(args);
  if (!options) {
    fmt::print(
        stderr, "foyer chat: {}\nUsage: foyer chat URL [OPTIONS]; foyer chat --help lists them.\n", options.error());
    return kCouldNotRun;
  }
  if (options->help) {
    fmt::print("{}", chat_usage());
    return 0;
  }
  Input input;
  auto tokens = credentials(*options, input);
  if (!tokens) return tokens.error();
  const int ended = ::eventfd(0, EFD_CLOEXEC);
  Driver driver(std::move(*options), std::move(*tokens), ended);
  driver.start();
  read_until_ended(driver, input, ended);
  const int status = driver.stop();
  ::close(ended);
  return status;
}

} // namespace foyer::cli

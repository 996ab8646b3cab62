#include "client/http_pool.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "wire/http_response.h"

namespace foyer::client {
namespace {

using Kind = NetError::Kind;
using Phase = NetError::Phase;

bool of_the_pool(std::string_view name) {
  for (const std::string_view ours : {"Host", "Content-Length", "Transfer-Encoding", "Connection"})
    if (iequals(name, ours)) return true;
  return false;
}

bool illegal(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

struct Job {
  std::uint64_t id = 0;
  PoolCall call = {};
  HttpCompletion done = {};
  TimerId deadline = 0;
};

} // namespace

struct HttpPool::State : std::enable_shared_from_this<State> {
  // One connection, and its current request.
  struct Connection {
    std::uint64_t number = 0;
    std::weak_ptr<Link> link = {};
    std::optional<Job> job = {};
    std::optional<wire::HttpResponseParser> parser = {};
    Phase phase = Phase::connecting;
    bool reused = false;     // it has answered before
    bool ours_alone = false; // a long poll's: not counted
    TimerId idle_timer = 0;
  };
  using ConnectionPtr = std::shared_ptr<Connection>;

  State(PoolDriver d, PoolOptions o) : driver(std::move(d)), options(std::move(o)) {}

  PoolDriver driver;
  PoolOptions options;
  std::uint64_t last_id = 0;
  std::unordered_map<std::uint64_t, ConnectionPtr> busy; // by number
  std::vector<ConnectionPtr> idle;                       // the most recently used one last
  std::deque<Job> queue;
  std::size_t counted = 0; // those in busy that do not serve a long poll

  [[nodiscard]] std::string server() const { return options.server.host + ":" + std::to_string(options.server.port); }
  void take(Job job);
  void overdue(std::uint64_t id);
  void begin(Job job);
  void connect(Job job);
  void use(const ConnectionPtr& connection, Job job);
  void write(const ConnectionPtr& connection);
  void on_bytes(const ConnectionPtr& connection, std::string_view bytes);
  void ended(const ConnectionPtr& connection, NetError error);
  void keep(const ConnectionPtr& connection);
  void drop(const ConnectionPtr& connection);
  void leave_busy(const ConnectionPtr& connection);
  void finish(Job job, HttpResult result);
  void next();
  [[nodiscard]] std::string head_and_body(const PoolCall& call) const;
  Link::Events events(const ConnectionPtr& connection);
};

std::string HttpPool::State::head_and_body(const PoolCall& call) const {
  std::string out = call.method + " " + (options.server.path == "/" ? std::string{} : options.server.path) +
      call.target + " HTTP/1.1\r\nHost: " + options.server.authority() + "\r\n";
  for (const Header& header : call.headers.list())
    if (!of_the_pool(header.name)) out += header.name + ": " + header.value + "\r\n";
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH")
    out += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
  out += "\r\n";
  out += call.body;
  return out;
}

void HttpPool::State::take(Job job) {
  const auto later = [this](Job refused, NetError error) {
    const TimerId soon =
        driver.control.after(Millis{0}, [done = std::move(refused.done), error = std::move(error)]() mutable {
      done(std::unexpected(std::move(error)));
    });
    (void)soon;
  };
  bool sound = !illegal(job.call.method) && !illegal(job.call.target) && job.call.target.find(' ') == std::string::npos;
  for (const Header& header : job.call.headers.list()) sound = sound && !illegal(header.name) && !illegal(header.value);
  if (!sound)
    return later(std::move(job), {Kind::protocol, "a request with a line end inside a header or target is not sent"});
  const bool must_wait = !job.call.own_connection && counted >= options.connections;
  if (must_wait && queue.size() >= options.waiting)
    return later(std::move(job),
        {Kind::timeout,
            std::to_string(queue.size()) + " requests to " + server() + " are already waiting for a connection",
            Phase::waiting});
  job.deadline = driver.control.after(job.call.timeout, [weak = weak_from_this(), id = job.id] {
    if (const auto self = weak.lock()) self->overdue(id);
  });
  if (must_wait) return queue.push_back(std::move(job));
  begin(std::move(job));
}

void HttpPool::State::overdue(std::uint64_t id) {
  for (auto& [number, connection] : busy) {
    if (!connection->job || connection->job->id != id) continue;
    const ConnectionPtr slow = connection;
    Job job = std::move(*slow->job);
    const std::string within = " within " + std::to_string(job.call.timeout.count()) + " ms";
    const std::string what = (slow->phase == Phase::connecting       ? "no connection to "
                                     : slow->phase == Phase::waiting ? "no byte of an answer from "
                                                                     : "no complete answer from ") +
        server() + within;
    NetError error{Kind::timeout, what, slow->phase};
    drop(slow);
    finish(std::move(job), std::unexpected(std::move(error)));
    return next();
  }
  for (auto waiting = queue.begin(); waiting != queue.end(); ++waiting) {
    if (waiting->id != id) continue;
    Job job = std::move(*waiting);
    queue.erase(waiting);
    NetError error{Kind::timeout,
        "none of " + std::to_string(options.connections) + " connections to " + server() + " became free within " +
            std::to_string(job.call.timeout.count()) + " ms",
        Phase::waiting};
    return finish(std::move(job), std::unexpected(std::move(error)));
  }
}

void HttpPool::State::begin(Job job) {
  while (!idle.empty() && idle.back()->link.expired()) drop(ConnectionPtr(idle.back()));
  if (idle.empty()) return connect(std::move(job));
  const ConnectionPtr connection = idle.back();
  idle.pop_back();
  driver.control.cancel(std::exchange(connection->idle_timer, 0));
  connection->reused = true;
  use(connection, std::move(job));
  write(connection);
}

void HttpPool::State::connect(Job job) {
  auto connection = std::make_shared<Connection>();
  LinkTarget target{.host = options.server.host,
      .port = options.server.port,
      .tls = is_secure(options.server),
      .tls_options = options.tls,
      .connect_timeout = job.call.connect_timeout,
      .reach = options.reach};
  use(connection, std::move(job));
  connection->phase = Phase::connecting;
  connection->link = driver.open(std::move(target), events(connection));
}

void HttpPool::State::use(const ConnectionPtr& connection, Job job) {
  connection->number = ++last_id;
  connection->ours_alone = job.call.own_connection;
  connection->parser.emplace(
      job.call.method == "HEAD", wire::ResponseLimits{.head_bytes = 64 * 1024, .body_bytes = options.answer_bytes});
  connection->job = std::move(job);
  if (!connection->ours_alone) ++counted;
  busy.emplace(connection->number, connection);
}

// The link holds the events: through them it keeps the connection alive, never the pool.
Link::Events HttpPool::State::events(const ConnectionPtr& connection) {
  const auto weak = weak_from_this();
  Link::Events out;
  out.ready = [weak, connection] {
    if (const auto self = weak.lock()) self->write(connection);
  };
  out.bytes = [weak, connection](std::span<char> bytes) {
    if (const auto self = weak.lock()) self->on_bytes(connection, {bytes.data(), bytes.size()});
  };
  out.ended = [weak, connection](NetError error) {
    if (const auto self = weak.lock()) self->ended(connection, std::move(error));
  };
  return out;
}

void HttpPool::State::write(const ConnectionPtr& connection) {
  if (!connection->job) return;
  connection->phase = Phase::waiting;
  if (const auto link = connection->link.lock()) link->write(head_and_body(connection->job->call));
}

void HttpPool::State::on_bytes(const ConnectionPtr& connection, std::string_view bytes) {
  if (!connection->job) return drop(connection); // unexpected bytes
  connection->phase = Phase::reading;
  using ParserState = wire::HttpResponseParser::State;
  wire::HttpResponseParser& parser = *connection->parser;
  const std::size_t taken = parser.feed(bytes);
  if (parser.state() == ParserState::failed) {
    NetError error{Kind::protocol, parser.error(), Phase::reading};
    Job job = std::move(*connection->job);
    drop(connection);
    finish(std::move(job), std::unexpected(std::move(error)));
    return next();
  }
  if (parser.state() != ParserState::complete) return;
  Job job = std::move(*connection->job);
  Response answer = std::move(parser.response());
  if (parser.keep_alive() && taken == bytes.size() && answer.status != 101)
    keep(connection);
  else
    drop(connection);
  finish(std::move(job), std::move(answer));
  next();
}

void HttpPool::State::ended(const ConnectionPtr& connection, NetError error) {
  if (!connection->job) return drop(connection);
  error.phase = connection->phase;
  Job job = std::move(*connection->job);
  wire::HttpResponseParser& parser = *connection->parser;
  HttpResult result = std::unexpected(error);
  if (error.kind == Kind::closed && error.phase == Phase::reading) {
    parser.finish();
    if (parser.state() == wire::HttpResponseParser::State::complete)
      result = std::move(parser.response());
    else
      result.error() = {Kind::protocol, parser.error(), Phase::reading};
  } else if (error.kind == Kind::closed) {
    result.error().what = "no byte of an answer from " + server() + ": " + error.what;
  }
  const bool again = connection->reused && error.phase == Phase::waiting && job.call.repeatable;
  drop(connection);
  if (again) return connect(std::move(job)); // on a new one, hence only once; its place is the one that became free
  finish(std::move(job), std::move(result));
  next();
}

void HttpPool::State::keep(const ConnectionPtr& connection) {
  leave_busy(connection);
  if (idle.size() >= options.connections) return drop(connection);
  idle.push_back(connection);
  connection->idle_timer =
      driver.control.after(options.idle_timeout, [weak = weak_from_this(), old = std::weak_ptr(connection)] {
    const auto self = weak.lock();
    const auto unused = old.lock();
    if (self && unused && !unused->job) self->drop(unused);
  });
}

void HttpPool::State::leave_busy(const ConnectionPtr& connection) {
  if (busy.erase(connection->number) > 0 && !connection->ours_alone) --counted;
  connection->job.reset();
}

void HttpPool::State::drop(const ConnectionPtr& connection) {
  leave_busy(connection);
  std::erase(idle, connection);
  if (connection->idle_timer != 0) driver.control.cancel(std::exchange(connection->idle_timer, 0));
  if (const auto link = connection->link.lock()) link->abort();
  connection->link.reset();
}

void HttpPool::State::finish(Job job, HttpResult result) {
  driver.control.cancel(job.deadline);
  const auto alive = shared_from_this(); // the callee may destroy the pool
  job.done(std::move(result));
}

void HttpPool::State::next() {
  while (!queue.empty() && counted < options.connections) {
    Job job = std::move(queue.front());
    queue.pop_front();
    begin(std::move(job));
  }
}

HttpPool::HttpPool(PoolDriver driver, PoolOptions options)
    : state_(std::make_shared<State>(std::move(driver), std::move(options))) {}

HttpPool::~HttpPool() {
  State& state = *state_;
  for (Job& job : state.queue) state.driver.control.cancel(job.deadline);
  state.queue.clear();
  std::vector<State::ConnectionPtr> all = state.idle;
  for (const auto& [number, connection] : state.busy) all.push_back(connection);
  for (const auto& connection : all) {
    if (connection->job) state.driver.control.cancel(connection->job->deadline);
    state.drop(connection);
  }
}

void HttpPool::send(PoolCall call, HttpCompletion done) {
  state_->take({.id = ++state_->last_id, .call = std::move(call), .done = std::move(done), .deadline = 0});
}

std::size_t HttpPool::busy() const { return state_->busy.size(); }
std::size_t HttpPool::idle() const { return state_->idle.size(); }
std::size_t HttpPool::waiting() const { return state_->queue.size(); }

PoolDriver pool_driver(exec::ControlPlane& plane) {
  return {.open = [&plane](LinkTarget target, Link::Events events) {
    return Link::open(plane, std::move(target), std::move(events));
  }, .control = plane};
}

} // namespace foyer::client

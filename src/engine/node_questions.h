// Questions of one node to all other living nodes, and their answers: for what no node knows alone, such as which
// connections a user has.
//
//   questions->ask(Question::clients, {}, bytes, [](NodeAnswers answers) { … answers.missing … });
//
// Who lives is in the database (MemberHearing), not on the bus. So a node that the bus does not reach, that hangs, or
// that has just died is missing in the answers, by name, and not silently. Everything happens on the executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "engine/control_bus.h"

namespace foyer::engine {

inline constexpr Millis kAnswerWait{3'000};                          // then an answer is missing
inline constexpr std::size_t kAnswerPartBytes = 128 * 1024;          // of one message
inline constexpr std::size_t kMostNodeAnswerBytes = 4 * 1024 * 1024; // of one node; a longer answer is missing
inline constexpr std::size_t kMostQuestionBytes = 512 * 1024;        // of one; a longer one is not asked
inline constexpr std::size_t kMostQuestions = 1'000;                 // that wait for answers; more are not asked

enum class Question : std::uint8_t { // numbers of the form, for ever
  refusals = 1,
  clients = 2,
  statuses = 3,
  action = 4,
  rooms = 5,
  room = 6,
  numbers = 7,
  upkeep = 8,
};

struct NodeAnswer {
  NodeId node;
  std::string bytes;
};
struct NodeAnswers {
  std::vector<NodeAnswer> given = {}; // of other nodes, by name
  std::vector<NodeId> missing = {};   // by name
};
inline const NodeId kUnknownNodes{"?"}; // missing: this node has not read yet which others there are

class NodeQuestions final : public ControlListener, public std::enable_shared_from_this<NodeQuestions> {
 public:
  // The other living nodes, by name; nullopt: not read yet. On the executor.
  using Others = std::function<std::optional<std::vector<NodeId>>()>;
  // `bus` and `executor` outlive this, but not what is posted to the executor. Nothing is asked before listen().
  NodeQuestions(ControlBus& bus, Executor& executor, Others others)
      : bus_(bus),
        executor_(executor),
        others_(std::move(others)) {}

  void listen() { bus_.listen(shared_from_this()); }
  [[nodiscard]] const NodeId& node() const { return bus_.node(); }
  [[nodiscard]] std::optional<std::vector<NodeId>> others() const { return others_(); }

  // How this node answers others, at once or later, on any thread. Before the first question.
  using Reply = std::move_only_function<void(std::string)>;
  using Answerer = std::function<void(std::string_view question, Reply reply)>;
  void answer(Question question, Answerer by) { answerers_[question] = std::move(by); }
  // Ends both: nothing is answered or told any more. When the executor has stopped.
  void close();

  // Any thread; `done` is called once, on the executor. Empty `which`: all; otherwise those of the others for which it
  // is true.
  using Which = std::function<bool(const NodeId&)>;
  using Done = std::move_only_function<void(NodeAnswers)>;
  void ask(Question question, Which which, std::string bytes, Done done);

  void post(std::shared_ptr<const ControlMessage> message) override;
  void received(const ControlMessage& message) override;

 private:
  struct Waiting {
    std::map<NodeId, std::string> parts = {}; // of nodes that have not answered in full
    std::map<NodeId, std::uint32_t> next = {};
    NodeAnswers answers = {};
    Done done;
    TimerId timer = 0;
  };
  struct Asked {
    Question question{};
    Which which;
    std::string bytes;
    Done done;
  };
  void begin(Asked asked, Millis waited);
  void send(std::vector<NodeId> to, Asked asked, bool all);
  void asked(const Ask& ask);
  void tell(const NodeId& to, std::uint64_t number, std::string_view bytes);
  void told(const Told& told);
  void finish(std::uint64_t number);
  void later(Millis delay, std::move_only_function<void(NodeQuestions&)> task, TimerId* timer = nullptr);

  ControlBus& bus_;
  Executor& executor_;
  const Others others_;
  std::map<Question, Answerer> answerers_;
  std::map<std::uint64_t, Waiting> waiting_; // by the number of the question
  std::uint64_t number_ = 0;
};

} // namespace foyer::engine

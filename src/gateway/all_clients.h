// The connected clients and the rooms in use of all nodes. With one node it is what Clients and RoomService say of this
// process. With several, each living node is asked (engine/node_questions.h), and an answer names those that did not
// answer. Any thread; every answer comes once, on the control plane.
//
// The list of clients goes from node to node by their names. Its places are those of the nodes' own lists, with the
// name of the node: `000000000003.q8ZtN4hVbR5uL2mJ`.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/client_bytes.h"
#include "gateway/clients.h"
#include "observe/build_info.h"
#include "rooms/room_service.h"

namespace foyer::gateway {

template <class T>
struct OfNodes {
  T value{};
  std::vector<engine::NodeId> missing = {}; // nodes that have not answered; what only they know is not in the value
};
struct AudienceNumbers {
  std::uint64_t clients = 0;
  std::size_t users = 0;
};

class AllClients {
 public:
  // All outlive this. `build`: of this node.
  AllClients(Clients& here, rooms::RoomService& rooms, const GatewayDeps& deps, observe::BuildInfo build);

  // Whether there are other nodes to ask.
  [[nodiscard]] bool has_others() const { return questions_ != nullptr; }

  // As in Clients.
  void list(ClientsQuery query, Completion<OfNodes<ClientsPage>> done);
  void status(std::vector<UserId> users, Completion<OfNodes<std::vector<UserStatus>>> done);
  // An action reaches every living node. It is refused if some node refused it and it applied nowhere.
  void act(NamedSelection who, engine::Disconnect request, Completion<OfNodes<Applied>> done);
  void act(NamedSelection who, engine::Unsubscribe request, Completion<OfNodes<Applied>> done);
  void act(NamedSelection who, engine::Subscribe request, Completion<OfNodes<Applied>> done);
  void act(NamedSelection who, engine::SetExpiry request, Completion<OfNodes<Applied>> done);

  // As RoomService::active, without ActiveRoom::present.
  void active(std::string pattern, Completion<OfNodes<std::vector<rooms::ActiveRoom>>> done);
  void audience(RoomName room, Completion<OfNodes<AudienceNumbers>> done);
  // One row for each node, by name.
  void numbers(Completion<OfNodes<std::vector<NodeNumbers>>> done);

 private:
  template <class T>
  using Here = std::move_only_function<void(Completion<T>)>;
  template <class T>
  using Both = std::move_only_function<void(Result<T>, engine::NodeAnswers)>;
  // Asks this node and the others at once.
  template <class T>
  void ask(
      engine::Question question, engine::NodeQuestions::Which which, std::string bytes, Here<T> here, Both<T> done);
  template <class T, class Read>
  void answer(engine::Question question, Read read, std::function<void(T, Completion<std::string>)> by);
  void answer_others();
  template <class Request>
  void act_everywhere(NamedSelection who, Request request, Completion<OfNodes<Applied>> done);
  void act_here(const NamedSelection& who, engine::ControlMessage message, Completion<Applied> done);
  void active_here(std::string pattern, Completion<std::vector<rooms::ActiveRoom>> done);
  void audience_here(RoomName room, Completion<rooms::RoomAudience> done);
  void numbers_here(Completion<NodeNumbers> done);

  Clients& here_;
  rooms::RoomService& rooms_;
  const GatewayDeps& deps_;
  const observe::BuildInfo build_;
  const std::shared_ptr<engine::NodeQuestions> questions_; // null: there is one node
};

} // namespace foyer::gateway

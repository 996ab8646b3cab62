// Answers of foyer.v1 to commands, and how much fits into one.
#include <algorithm>
#include <vector>

#include "protocol/foyer_v1/foyer_v1.h"
#include "protocol/foyer_v1/json_parts.h"

namespace foyer::protocol {

using namespace parts;

namespace {

constexpr std::size_t kEnvelopeBytes = 1024; // upper bound of an answer without its lists

// Upper bound of a message's JSON without looking at its characters: one byte becomes at most six.
std::size_t longest(const RoomName& room, const Epoch& epoch, const rooms::Message& m) {
  constexpr std::size_t kAllButStrings = 256;
  return kAllButStrings +
      6 *
      (room.str().size() + epoch.str().size() + m.from.id.str().size() + m.from.name.size() + m.text.size() +
          m.key.size());
}

std::size_t length(const RoomName& room, const Epoch& epoch, const rooms::Message& m, BodyForm form) {
  std::string scratch;
  listed_message(scratch, room, epoch, m, form);
  return scratch.size();
}

// Whether the message alone exceeds `bytes`, so that it is listed without its body. `data` counts also for clients that
// do not get it.
bool is_brief(const RoomName& room, const Epoch& epoch, const rooms::Message& m, std::size_t bytes) {
  if (longest(room, epoch, m) <= bytes) return false;
  return m.text.size() > bytes || length(room, epoch, m, BodyForm::any) > bytes;
}

void message_list(std::string& out, const RoomName& room, const Epoch& epoch, std::span<const rooms::Message> messages,
    std::size_t bytes, BodyForm form) {
  append(out, R"(,"messages":[)");
  bool first = true;
  for (const auto& m : messages) {
    if (!first) out.push_back(',');
    first = false;
    listed_message(out, room, epoch, m, is_brief(room, epoch, m, bytes) ? BodyForm::brief : form);
  }
  out.push_back(']');
}

void member_list(std::string& out, std::span<const rooms::Member> members, std::size_t count) {
  append(out, R"(,"members":[)");
  bool first = true;
  for (const auto& member : members) {
    if (!first) out.push_back(',');
    first = false;
    user_object(out, ref(member));
  }
  out.push_back(']');
  number_member(out, "member_count", count);
}

// The length of their JSON.
std::size_t member_bytes(std::span<const rooms::Member> members) {
  std::string scratch;
  for (const auto& member : members) user_object(scratch, ref(member));
  return scratch.size() + members.size();
}

void change_list(std::string& out, std::span<const rooms::Change> changes) {
  bool first = true;
  for (const auto& change : changes) {
    append(out, first ? R"({"type":")" : R"(,{"type":")");
    first = false;
    append(out, type_of(change));
    out.push_back('"');
    change_members(out, change, true);
    out.push_back('}');
  }
}

void refusal_members(std::string& out, const Refusal& refusal, const Ref& ref, bool reveal, bool with_step) {
  const CauseInfo& cause = refusal.info();
  string_member(out, "code", cause.code);
  std::string sentence{cause.client};
  if (!refusal.detail.empty()) sentence += " " + refusal.detail;
  string_member(out, "message", reveal && !refusal.evidence.empty() ? refusal.operator_text() : sentence);
  if (with_step) string_member(out, "step", to_string(cause.step));
  if (!refusal.field.empty()) string_member(out, "field", refusal.field);
  string_member(out, "ref", ref.view());
  string_member(out, "retry", to_string(cause.retry));
  if (refusal.retry_after)
    number_member(out, "retry_after_ms", static_cast<std::uint64_t>(refusal.retry_after->count()));
  out.push_back('}');
}

// Appends as many rows as fit into `bytes`, at least one, and the end of the answer, which begins at `start` in `out`.
// `write` appends one row as an object.
template <class Row, class Write>
void rows_that_fit(
    std::string& out, std::size_t start, std::span<const Row> rows, bool more, std::size_t bytes, Write write) {
  constexpr std::size_t kEnd = std::string_view(R"(],"more":false})").size();
  out.push_back('[');
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t before = out.size();
    if (i > 0) out.push_back(',');
    write(rows[i]);
    if (i > 0 && out.size() - start + kEnd > bytes) {
      out.resize(before);
      more = true;
      break;
    }
  }
  out.push_back(']');
  bool_member(out, "more", more);
  out.push_back('}');
}

// Writes each kind of answer.
struct Writer {
  std::string& out;
  MessageId id;
  const ClientTerms& terms;
  std::string_view welcome_tail;

  [[nodiscard]] bool has(Feature feature) const { return terms.features.has(feature); }
  void begin(std::string_view type, const RoomName& room) const { room_message(out, type, id, room); }
  void end() const { out.push_back('}'); }
  [[nodiscard]] std::size_t bytes_for_messages(std::size_t beside) const {
    return terms.answer_bytes() - std::min(terms.answer_bytes(), kEnvelopeBytes + beside);
  }

  void operator()(const Pong&) const { open(out, "pong", id), end(); }
  void operator()(const Left& m) const { begin("left", m.room), end(); }
  void operator()(const SubscriptionEnded& m) const {
    begin("room_removed", m.room);
    string_member(out, "code", code_of(m.cause));
    end();
  }
  void operator()(const Refreshed& m) const {
    open(out, "refreshed", id);
    time_member(out, "expires_at", m.expires_at);
    end();
  }
  void operator()(const TokenExpiring& m) const {
    open(out, "token_expiring");
    time_member(out, "expires_at", m.expires_at);
    end();
  }
  void operator()(const Closing& m) const {
    open(out, "closing");
    number_member(out, "retry_after_ms", static_cast<std::uint64_t>(m.retry_after.count()));
    end();
  }
  void operator()(const Refused& m) const {
    open(out, m.credential ? "authentication_error" : "error", id);
    refusal_members(out, m.refusal, m.ref, m.reveal, m.credential);
  }
  void operator()(const Welcome& m) const;
  void operator()(const rooms::Joined& m) const;
  void operator()(const rooms::Published& m) const {
    begin("sent", m.room);
    string_member(out, "epoch", m.epoch.view());
    number_member(out, "offset", m.offset);
    time_member(out, "time", m.time);
    bool_member(out, "duplicate", m.duplicate);
    end();
  }
  void operator()(const rooms::HistoryPart& m) const {
    begin("history", m.room);
    string_member(out, "epoch", m.epoch.view());
    message_list(out, m.room, m.epoch, m.messages, bytes_for_messages(0), body_form(terms));
    bool_member(out, "more", m.more);
    end();
  }
  void operator()(const rooms::PresenceNow& m) const {
    begin("presence", m.room);
    member_list(out, m.members, m.count);
    end();
  }
  void operator()(const rooms::MessageErased& m) const {
    begin("deleted", m.room);
    change_members(
        out, {.number = m.change, .kind = rooms::ChangeKind::deleted, .offset = m.offset}, has(Feature::changes));
    end();
  }
  void operator()(const rooms::RoomCreated& m) const {
    begin("created", m.room);
    if (!m.with.empty() && has(Feature::people)) string_member(out, "user", m.with.view());
    end();
  }
  void operator()(const rooms::UserInvited& m) const {
    begin("invited", m.room);
    string_member(out, "user", m.user.view());
    if (has(Feature::people)) bool_member(out, "pending", !m.member); // the other person has not accepted yet
    end();
  }
  void operator()(const rooms::UserRemoved& m) const {
    begin("removed", m.room);
    string_member(out, "user", m.user.view());
    end();
  }
  void operator()(const rooms::InvitationAccepted& m) const { begin("accepted", m.room), end(); }
  void operator()(const rooms::InvitationTurnedDown& m) const { begin("declined", m.room), end(); }
  void operator()(const rooms::InvitationPage& m) const {
    const std::size_t start = out.size();
    open(out, "invitations", id);
    append(out, R"(,"invitations":)");
    rows_that_fit(
        out, start, std::span(m.invitations), m.more, terms.answer_bytes(), [this](const rooms::Invitation& each) {
      out.push_back('{');
      invitation_members(out, each);
    });
  }
  void operator()(const rooms::RoomsPage& m) const {
    const std::size_t start = out.size();
    open(out, "rooms", id);
    append(out, R"(,"rooms":)");
    rows_that_fit(out, start, std::span(m.rooms), m.more, terms.answer_bytes(), [this](const rooms::RoomRow& row) {
      append(out, R"({"room":)");
      json::append_string(out, row.room.view());
      string_member(out, "kind", rooms::to_string(row.kind));
      string_member(out, "epoch", row.epoch.view());
      number_member(out, "offset", row.offset);
      out.push_back('}');
    });
  }
};

void Writer::operator()(const Welcome& m) const {
  open(out, "authentication_success", id);
  append(out, R"(,"user":)");
  user_object(out, {m.identity.user.view(), m.identity.name});
  string_member(out, "connection",
      m.node.empty() ? fmt::format(FMT_COMPILE("{:016x}"), m.connection)
                     : fmt::format(FMT_COMPILE("{:016x}.{}"), m.connection, m.node));
  string_member(out, "session", m.identity.session.view());
  append(out, R"(,"permissions":[)");
  const char* comma = "";
  const auto name_if = [&](bool has_it, std::string_view name) {
    if (!has_it) return;
    append(out, comma);
    comma = ",";
    out.push_back('"');
    append(out, name);
    out.push_back('"');
  };
  name_if(m.identity.permissions.chat_read, "chat:read");
  name_if(m.identity.permissions.chat_write, "chat:write");
  name_if(m.identity.permissions.admin, "admin");
  out.push_back(']');
  time_member(out, "expires_at", m.identity.expires_at);
  if (m.terms.named_features) {
    append(out, R"(,"features":[)");
    comma = "";
    for (const auto& [name, feature] : kFeatures) name_if(m.terms.features.has(feature), name);
    out.push_back(']');
  }
  if (m.terms.max_message > 0) number_member(out, "max_message", m.terms.max_message);
  append(out, welcome_tail);
}

void Writer::operator()(const rooms::Joined& m) const {
  std::string changes, members;
  change_list(changes, m.changes);
  member_list(members, m.members, m.member_count);
  begin("joined", m.room);
  if (m.by_server) string_member(out, "by", "server");
  string_member(out, "kind", rooms::to_string(m.kind));
  bool_member(out, "durable", m.durable);
  string_member(out, "epoch", m.epoch.view());
  number_member(out, "offset", m.up_to);
  if (m.time != WallTime{}) time_member(out, "time", m.time);
  bool_member(out, "recovered", m.recovered);
  message_list(
      out, m.room, m.epoch, m.messages, bytes_for_messages(member_bytes(m.members) + changes.size()), body_form(terms));
  bool_member(out, "more", m.more);
  if (m.change) {
    append(out, R"(,"changes":[)");
    append(out, changes);
    out.push_back(']');
    number_member(out, "change", *m.change);
  }
  append(out, members);
  end();
}

} // namespace

void FoyerV1::write(std::string& out, MessageId id, const SessionMessage& message, const ClientTerms& terms) const {
  std::visit(Writer{.out = out, .id = id, .terms = terms, .welcome_tail = welcome_tail_}, message);
}

// A message that is too long by itself counts as fitting: it is listed without its body.
std::size_t FoyerV1::messages_that_fit(const RoomName& room, const Epoch& epoch,
    std::span<const rooms::Message> messages, rooms::Keep keep, std::size_t bytes) const {
  bytes -= std::min(bytes, kEnvelopeBytes);
  std::size_t most = 0;
  for (const auto& m : messages) most += longest(room, epoch, m) + 1;
  if (most <= bytes) return messages.size();
  std::size_t used = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& m = keep == rooms::Keep::oldest ? messages[i] : messages[messages.size() - 1 - i];
    used += length(room, epoch, m, is_brief(room, epoch, m, bytes) ? BodyForm::brief : BodyForm::any) + 1;
    if (used > bytes) return i;
  }
  return messages.size();
}

std::size_t FoyerV1::members_that_fit(std::span<const rooms::Member> members, std::size_t bytes) const {
  std::string scratch;
  for (std::size_t i = 0; i < members.size(); ++i) {
    user_object(scratch, ref(members[i]));
    scratch.push_back(',');
    if (scratch.size() > bytes) return i;
  }
  return members.size();
}

std::size_t FoyerV1::bytes_of(std::span<const rooms::Member> members) const { return member_bytes(members); }

std::size_t FoyerV1::bytes_of(std::span<const rooms::Change> changes) const {
  std::string scratch;
  change_list(scratch, changes);
  return scratch.size();
}

} // namespace foyer::protocol

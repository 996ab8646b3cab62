#include "engine/control_bytes.h"

#include <algorithm>
#include <utility>

#include "base/overloaded.h"

namespace foyer::engine {
namespace {

using rooms::EventFault;
using rooms::kMostEventBytes;
using rooms::kMostEventWord;
using rooms::PackedReader;
using rooms::PackedWriter;

// Numbers of the form, for ever.
enum class Code : std::uint8_t {
  member_added = 1,
  evict = 2,
  to_user = 3,
  close_subscribers = 4,
  revocations_changed = 5,
  disconnect = 6,
  unsubscribe = 7,
  subscribe = 8,
  set_expiry = 9,
  ask = 10,
  told = 11,
  user_counts = 12,
};

void write(PackedWriter& out, Code code) { out.byte(static_cast<std::uint8_t>(code)); }

void write(PackedWriter& out, const Selection& who) {
  out.text(who.user.view());
  out.flag(who.connection.has_value());
  if (who.connection) out.number(*who.connection);
  out.text(who.session.view());
  out.number(who.keep.size());
  for (const ConnectionId id : who.keep) out.number(id);
}

template <class Id>
Id read_id(PackedReader& in) {
  return Id(in.text(kMostEventWord));
}

Selection read_selection(PackedReader& in) {
  Selection who;
  who.user = read_id<UserId>(in);
  if (in.flag()) who.connection = in.number();
  who.session = read_id<SessionId>(in);
  const std::uint64_t count = in.number();
  if (count > kMostKept) in.fail();
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) who.keep.push_back(in.number());
  return who;
}

Ask read_ask(PackedReader& in) {
  Ask ask{.from = read_id<NodeId>(in), .number = in.number(), .question = in.byte()};
  const std::uint64_t count = in.number();
  if (count > kMostAskedNodes) in.fail();
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) ask.to.push_back(read_id<NodeId>(in));
  ask.bytes = in.bytes(kMostEventBytes);
  return ask;
}

Told read_told(PackedReader& in) {
  Told told{.from = read_id<NodeId>(in), .number = in.number()};
  const std::uint64_t part = in.number();
  if (part > UINT32_MAX) in.fail();
  told.part = static_cast<std::uint32_t>(part);
  told.last = in.flag();
  told.refused = in.flag();
  told.bytes = in.bytes(kMostEventBytes);
  return told;
}

UserCounts read_user_counts(PackedReader& in) {
  UserCounts counts{.from = read_id<NodeId>(in)};
  const std::uint64_t count = in.number();
  if (count > kMostUserCounts) in.fail();
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    auto user = read_id<UserId>(in);
    const std::uint64_t open = in.number();
    if (open > UINT32_MAX) in.fail();
    counts.users.emplace_back(std::move(user), static_cast<std::uint32_t>(open));
  }
  return counts;
}

ControlMessage read_body(PackedReader& in) {
  switch (static_cast<Code>(in.byte())) {
    case Code::member_added: {
      auto room = read_id<RoomName>(in);
      return MemberAdded{std::move(room), read_id<UserId>(in)};
    }
    case Code::evict: {
      auto room = read_id<RoomName>(in);
      return Evict{std::move(room), read_id<UserId>(in)};
    }
    case Code::to_user: {
      auto user = read_id<UserId>(in);
      auto event = rooms::read_event(in.bytes(kMostEventBytes));
      if (!event) in.fail();
      if (!event) break;
      return ToUser{std::move(user),
          std::make_shared<rooms::Publication>(std::make_shared<const rooms::Event>(*std::move(event)))};
    }
    case Code::close_subscribers: {
      auto room = read_id<RoomName>(in);
      return CloseSubscribers{std::move(room), read_refusal(in)};
    }
    case Code::revocations_changed: return RevocationsChanged{};
    case Code::disconnect: {
      Disconnect message{.who = read_selection(in)};
      const std::uint64_t code = in.number();
      if (code > UINT16_MAX) in.fail();
      message.code = static_cast<std::uint16_t>(code);
      message.reason = in.text(kMostEventWord);
      return message;
    }
    case Code::unsubscribe: {
      auto who = read_selection(in);
      return Unsubscribe{std::move(who), read_id<RoomName>(in)};
    }
    case Code::subscribe: {
      Subscribe message{.who = read_selection(in), .room = read_id<RoomName>(in)};
      if (in.flag()) {
        rooms::SincePosition since;
        since.epoch = read_id<Epoch>(in);
        since.offset = in.number();
        if (in.flag()) since.time = in.time();
        if (in.flag()) since.change = in.number();
        message.since = std::move(since);
      }
      const std::uint64_t limit = in.number();
      if (limit > UINT32_MAX) in.fail();
      message.limit = static_cast<std::uint32_t>(limit);
      return message;
    }
    case Code::set_expiry: {
      auto who = read_selection(in);
      return SetExpiry{std::move(who), in.time()};
    }
    case Code::ask: return read_ask(in);
    case Code::told: return read_told(in);
    case Code::user_counts: return read_user_counts(in);
  }
  in.fail();
  return RevocationsChanged{};
}

} // namespace

void write(PackedWriter& out, const Refusal& refusal) {
  out.text(refusal.code());
  out.text(refusal.evidence);
  out.flag(refusal.retry_after.has_value());
  if (refusal.retry_after)
    out.number(static_cast<std::uint64_t>(std::max<Millis::rep>(0, refusal.retry_after->count())));
  out.text(refusal.field);
  out.text(refusal.detail);
}

Refusal read_refusal(PackedReader& in) {
  Refusal refusal;
  const auto cause = find_cause(in.text(kMostEventWord));
  if (!cause) in.fail();
  refusal.cause = cause.value_or(Cause::INTERNAL_ERROR);
  refusal.evidence = in.text(kMostEventBytes);
  if (in.flag()) {
    const std::uint64_t wait = in.number();
    if (wait > INT64_MAX) in.fail();
    refusal.retry_after = Millis{static_cast<Millis::rep>(wait)};
  }
  refusal.field = in.text(kMostEventWord);
  refusal.detail = in.text(kMostEventBytes);
  return refusal;
}

std::string to_bytes(const ControlMessage& message) {
  PackedWriter out;
  out.byte(kControlVersion);
  std::visit(Overloaded{
                 [&](const MemberAdded& m) {
    write(out, Code::member_added);
    out.text(m.room.view());
    out.text(m.user.view());
  },
                 [&](const Evict& m) {
    write(out, Code::evict);
    out.text(m.room.view());
    out.text(m.user.view());
  },
                 [&](const ToUser& m) {
    write(out, Code::to_user);
    out.text(m.user.view());
    out.text(rooms::to_bytes(m.publication->event()));
  },
                 [&](const CloseSubscribers& m) {
    write(out, Code::close_subscribers);
    out.text(m.room.view());
    write(out, m.refusal);
  },
                 [&](const RevocationsChanged&) { write(out, Code::revocations_changed); },
                 [&](const Disconnect& m) {
    write(out, Code::disconnect);
    write(out, m.who);
    out.number(m.code);
    out.text(m.reason);
  },
                 [&](const Unsubscribe& m) {
    write(out, Code::unsubscribe);
    write(out, m.who);
    out.text(m.room.view());
  },
                 [&](const Subscribe& m) {
    write(out, Code::subscribe);
    write(out, m.who);
    out.text(m.room.view());
    out.flag(m.since.has_value());
    if (m.since) {
      out.text(m.since->epoch.view());
      out.number(m.since->offset);
      out.flag(m.since->time.has_value());
      if (m.since->time) out.time(*m.since->time);
      out.flag(m.since->change.has_value());
      if (m.since->change) out.number(*m.since->change);
    }
    out.number(m.limit);
  },
                 [&](const SetExpiry& m) {
    write(out, Code::set_expiry);
    write(out, m.who);
    out.time(m.expires_at);
  },
                 [&](const Ask& m) {
    write(out, Code::ask);
    out.text(m.from.view());
    out.number(m.number);
    out.byte(m.question);
    out.number(m.to.size());
    for (const NodeId& node : m.to) out.text(node.view());
    out.text(m.bytes);
  },
                 [&](const Told& m) {
    write(out, Code::told);
    out.text(m.from.view());
    out.number(m.number);
    out.number(m.part);
    out.flag(m.last);
    out.flag(m.refused);
    out.text(m.bytes);
  },
                 [&](const UserCounts& m) {
    write(out, Code::user_counts);
    out.text(m.from.view());
    out.number(m.users.size());
    for (const auto& [user, open] : m.users) {
      out.text(user.view());
      out.number(open);
    }
  },
             },
      message);
  return out.take();
}

std::expected<ControlMessage, EventFault> read_control(std::string_view bytes) {
  if (bytes.size() > kMostEventBytes + kMostEventWord) return std::unexpected(EventFault::too_large);
  PackedReader in(bytes);
  const std::uint8_t version = in.byte();
  if (version > kControlVersion) return std::unexpected(EventFault::unknown_version);
  if (version == 0) return std::unexpected(EventFault::malformed);
  ControlMessage message = read_body(in);
  if (!in.whole()) return std::unexpected(EventFault::malformed);
  return message;
}

} // namespace foyer::engine

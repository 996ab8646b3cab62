#include "gateway/packed_identity.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace foyer::gateway {

namespace {

std::uint16_t length_of(std::string_view id) {
  if (id.size() > std::numeric_limits<std::uint16_t>::max()) throw std::length_error("PackedIdentity: id");
  return static_cast<std::uint16_t>(id.size());
}

} // namespace

PackedIdentity::PackedIdentity(const Identity& identity)
    : issued_at_(identity.issued_at),
      expires_at_(identity.expires_at),
      name_(identity.name == identity.user.view() ? 0 : static_cast<std::uint32_t>(identity.name.size())),
      user_(length_of(identity.user.view())),
      session_(length_of(identity.session.view())),
      token_(length_of(identity.token.view())),
      permissions_(identity.permissions),
      own_account_(identity.own_account),
      foreign_(identity.foreign) {
  if (!identity.rooms.empty()) rooms_ = std::make_unique<const std::vector<std::string>>(identity.rooms);
  texts_ = std::make_unique_for_overwrite<char[]>(std::size_t{user_} + name_ + session_ + token_);
  char* at = std::ranges::copy(identity.user.view(), texts_.get()).out;
  if (name_ != 0) at = std::ranges::copy(identity.name, at).out;
  at = std::ranges::copy(identity.session.view(), at).out;
  std::ranges::copy(identity.token.view(), at);
}

auth::RevocationSubject PackedIdentity::for_revocation() const {
  const char* session = texts_.get() + user_ + name_;
  auth::RevocationSubject out;
  out.user = user();
  out.session = {session, session_};
  out.token = {session + session_, token_};
  out.issued_at = issued_at_;
  out.own_account = own_account_;
  out.foreign = foreign_;
  return out;
}

Identity PackedIdentity::unpacked() const {
  const char* session = texts_.get() + user_ + name_;
  return {.user = UserId{user()},
      .name = std::string(name()),
      .session = SessionId{std::string_view{session, session_}},
      .token = TokenId{std::string_view{session + session_, token_}},
      .permissions = permissions_,
      .issued_at = issued_at_,
      .expires_at = expires_at_,
      .own_account = own_account_,
      .foreign = foreign_,
      .rooms = {rooms().begin(), rooms().end()}};
}

} // namespace foyer::gateway

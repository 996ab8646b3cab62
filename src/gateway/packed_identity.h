// The compact form of an Identity that a session keeps: all texts in one allocation. In an Identity each text takes 32
// bytes, even an empty one. A name that equals the user's id, as most do, is not stored.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/revocation_table.h"
#include "base/refusal.h"

namespace foyer::gateway {

class PackedIdentity {
 public:
  explicit PackedIdentity(const Identity& identity); // throws std::length_error for an id of 64 KiB

  [[nodiscard]] std::string_view user() const { return {texts_.get(), user_}; }
  [[nodiscard]] std::string_view name() const { // shown to others
    return name_ == 0 ? user() : std::string_view{texts_.get() + user_, name_};
  }
  [[nodiscard]] std::string_view session() const { return {texts_.get() + user_ + name_, session_}; }
  [[nodiscard]] const Permissions& permissions() const { return permissions_; }
  [[nodiscard]] WallTime expires_at() const { return expires_at_; }
  void set_expires_at(WallTime at) { expires_at_ = at; }
  [[nodiscard]] std::span<const std::string> rooms() const { // named by the token
    return rooms_ ? std::span<const std::string>(*rooms_) : std::span<const std::string>();
  }
  [[nodiscard]] bool own_account() const { return own_account_; }
  [[nodiscard]] auth::RevocationSubject for_revocation() const; // holds views into this
  [[nodiscard]] Identity unpacked() const;

 private:
  std::unique_ptr<char[]> texts_;                         // user, name unless it is the same, session, token
  std::unique_ptr<const std::vector<std::string>> rooms_; // null: none
  WallTime issued_at_, expires_at_;
  std::uint32_t name_; // the lengths
  std::uint16_t user_, session_, token_;
  Permissions permissions_;
  bool own_account_;
  bool foreign_;
};

} // namespace foyer::gateway

#include "redis/failure.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"

namespace foyer::redis {
namespace {

using Kind = Failure::Kind;

constexpr std::size_t kShownErrorBytes = 160;

constexpr std::array<std::pair<std::string_view, Kind>, 18> kWords{{
    {"NOAUTH", Kind::login},
    {"WRONGPASS", Kind::login},
    {"NOPERM", Kind::login},
    {"LOADING", Kind::loading},
    {"MASTERDOWN", Kind::loading},
    {"CLUSTERDOWN", Kind::loading},
    {"TRYAGAIN", Kind::split},
    {"BUSY", Kind::loading},
    {"UNBLOCKED", Kind::loading},
    {"READONLY", Kind::read_only},
    {"MISCONF", Kind::read_only},
    {"NOREPLICAS", Kind::read_only},
    {"OOM", Kind::memory},
    {"MOVED", Kind::moved},
    {"ASK", Kind::moved},
    {"CROSSSLOT", Kind::refused},
    {"NOSCRIPT", Kind::no_script},
    {"ERR", Kind::refused},
}};

} // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::unreachable: return "unreachable";
    case Kind::no_primary: return "no_primary";
    case Kind::tls: return "tls";
    case Kind::login: return "login";
    case Kind::lost: return "lost";
    case Kind::timeout: return "timeout";
    case Kind::protocol: return "protocol";
    case Kind::full: return "full";
    case Kind::closed: return "closed";
    case Kind::loading: return "loading";
    case Kind::read_only: return "read_only";
    case Kind::memory: return "memory";
    case Kind::moved: return "moved";
    case Kind::split: return "split";
    case Kind::no_script: return "no_script";
    case Kind::refused: return "refused";
  }
  return "refused";
}

Kind kind_of_error(std::string_view error) {
  const std::string_view word = error.substr(0, error.find(' '));
  const auto* found = std::ranges::find(kWords, word, &std::pair<std::string_view, Kind>::first);
  if (found == kWords.end()) return Kind::refused;
  // Servers before ACLs, and those without a password, say ERR to AUTH; a script's command is refused the same way.
  if (found->second == Kind::refused &&
      (error.starts_with("ERR invalid password") || error.starts_with("ERR AUTH <password> called without") ||
          error.starts_with("ERR The user executing the script can't")))
    return Kind::login;
  return found->second;
}

std::string shown_error(std::string_view error) {
  // A right that is missing is named by the command.
  if (error.starts_with("NOPERM")) return printable(error, kShownErrorBytes);
  // "ERR unknown command 'X', with args beginning with: …" and the like.
  for (const std::string_view quoting : {", with args", " '"}) error = error.substr(0, error.find(quoting));
  return printable(error, kShownErrorBytes);
}

} // namespace foyer::redis

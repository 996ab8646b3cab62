// A whole run: what was asked for, what the probes saw, and how far the ladder was climbed.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/facts.h"
#include "doctor/token_look.h"
#include "wire/url.h"

namespace foyer::doctor {

// What the operator gave.
struct Ask {
  wire::Url url;                          // scheme ws or wss, a path
  std::optional<std::string> origin = {}; // of the page that should connect; nothing: the URL's own
  std::string token = {};                 // a secret: in no fact and no report
  std::vector<std::string> subprotocols = {};
  std::string ca_file = {};
  std::optional<Millis> hold = {};      // keep a connection quiet for so long
  std::optional<wire::Url> direct = {}; // the server's own address, behind every proxy
  int repeat = 0;                       // handshakes more, to find a pool whose members differ
};

enum class RungId : std::uint8_t {
  dns,
  tcp,
  tls,
  health,
  plain,
  upgrade,
  origin,
  token,
  subprotocol,
  deflate,
  echo,
  auth,
  second,
  big,
  repeat,
  hold,
  direct
};
inline constexpr std::size_t kRungs = 17;
[[nodiscard]] std::string_view name_of(RungId rung); // "dns"

struct Rung {
  enum class Status : std::uint8_t {
    passed,
    failed,
    skipped, // `because` failed, so this could not pass either
    unasked, // an option would ask for it
    broken,  // the probe itself failed: nothing is known
  };
  RungId id{};
  Status status{};
  Took took{};
  std::string evidence = {};
  std::optional<RungId> because = {};
};
[[nodiscard]] std::string_view name_of(Rung::Status status);

// The same handshake with one thing changed, after it was refused.
struct Variation {
  enum class What : std::uint8_t {
    spelling,   // of `websocket`
    origin,     // the URL's own
    repetition, // the path without what it contains twice
    slash,      // the path with or without a slash at its end
    path,       // another one
  } what{};
  std::string value = {}; // what it was changed to
  Exchange exchange;
  bool works = false; // it was accepted, and the server did not close it at once: some accept every path to say no
};

struct Facts {
  wire::Url url; // without its query
  bool origin_given = false;
  bool token_given = false;
  bool ca_given = false;

  NameFacts name;
  std::vector<ConnectFacts> connects = {};
  std::string address = {}; // that all further probes went to

  std::optional<TlsFacts> tls = {};
  std::optional<TlsFacts> tls_nameless = {}; // without SNI
  std::optional<TlsFacts> tls_old = {};      // with versions that browsers do not speak
  std::optional<TlsFacts> tls_on_plain = {}; // a TLS handshake on the port of a ws:// URL
  std::optional<Exchange> plain_on_tls = {}; // plain HTTP on the port of a wss:// URL

  std::optional<Exchange> health, plain;
  std::optional<Exchange> bare, origin, token, subprotocol, deflate;
  std::vector<Variation> variations = {};
  std::optional<Upgraded> echo = {};
  std::optional<Exchange> second = {};
  std::optional<Upgraded> big = {};
  std::size_t big_bytes = 0; // of the message
  std::vector<Exchange> repeats = {};
  std::optional<Upgraded> hold = {};
  std::optional<Millis> hold_asked = {};
  std::optional<Exchange> direct = {}; // the whole handshake at the server's own address
  std::optional<TokenLook> token_look = {};

  WallTime now{}; // this machine's, when the run began
  std::vector<Rung> rungs = {};

  // The handshakes that were tried, in the order in which each added one thing.
  [[nodiscard]] std::vector<const Exchange*> handshakes() const;
  // The last of them that was accepted, and the last at all; null: none.
  [[nodiscard]] const Exchange* accepted() const;
  [[nodiscard]] const Exchange* last() const;
  [[nodiscard]] const Rung* rung(RungId id) const;
  // Foyer's answer to the credential in the handshake; null: it was not asked for, or did not come.
  [[nodiscard]] const std::string* authenticated() const;
  [[nodiscard]] bool token_at_foyer() const; // it was sent to Foyer, and the handshake was accepted
  // By its Date header against this machine's clock; positive: the server is ahead. Whole seconds are all that it has.
  [[nodiscard]] std::optional<Millis> clock_difference() const;
};

} // namespace foyer::doctor

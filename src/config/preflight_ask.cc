#include "config/preflight_ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "asking/asking.h"
#include "asking/question.h"
#include "client/outgoing.h"
#include "client/signature.h"
#include "config/entries.h"
#include "config/secrets.h"
#include "config/tls_files.h"
#include "rooms/model/room_rules.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

using asking::Event;

constexpr std::array kAll = {Event::connect, Event::refresh, Event::subscribe, Event::publish};

std::optional<Event> event_of(std::string_view word) {
  const auto found = std::ranges::find(kAll, word, [](Event event) { return asking::to_string(event); });
  return found == kAll.end() ? std::nullopt : std::optional(*found);
}
bool has_room(Event event) { return event == Event::subscribe || event == Event::publish; }

class AskChecks {
 public:
  AskChecks(const Loaded& loaded, const Context& around)
      : loaded_(loaded),
        tables_(loaded.config.asks),
        around_(around) {}

  std::vector<Finding> run() {
    for (at_ = 0; at_ < tables_.size(); ++at_) {
      unique();
      url();
      authorities();
      events();
      secret();
      headers();
      without_effect();
    }
    for (at_ = 0; at_ < loaded_.config.room_rules.size(); ++at_) rule();
    return std::move(found_);
  }

 private:
  [[nodiscard]] const asking::Table& table() const { return tables_[at_]; }
  [[nodiscard]] bool broken(std::string_view field) const {
    const auto& source = loaded_.entries.find("ask")->second[at_];
    return std::ranges::find(source.broken, field) != source.broken.end();
  }
  Finding& report(Cause code, std::string_view field, std::string_view what, std::string fix = {}) {
    found_.push_back(finding_about_entry(loaded_, code, *find_option("ask"), at_, field,
        fmt::format("{}: {}", entry_name(kAsks, loaded_.config, at_), what), std::move(fix)));
    return found_.back();
  }
  static bool asks(const asking::Table& table, Event event) {
    return std::ranges::find(table.events, asking::to_string(event)) != table.events.end();
  }
  static bool asks_about_rooms(const asking::Table& table) {
    return asks(table, Event::subscribe) || asks(table, Event::publish);
  }

  void unique() {
    for (std::size_t i = 0; i < at_; ++i)
      if (!table().name.empty() && tables_[i].name == table().name)
        report(Cause::INVALID_VALUE, "name", fmt::format("name is also that of ask {}.", i + 1),
            "Give each table a name of its own.");
  }

  void url() {
    if (table().url.empty()) return; // reported as missing
    const auto parsed = wire::parse_url(table().url);
    if (!parsed || !client::outgoing(table().url, client::UrlSource::operator_)) {
      report(Cause::INVALID_URL, "url", "url is not a valid http or https URL without a user name.");
      return;
    }
    if (parsed->scheme == "http" && !wire::is_loopback_host(parsed->host))
      report(Cause::INSECURE_URL, "url",
          "url is plain http to another machine: anyone on the network in between can read the questions and change "
          "the answers.")
          .severity = Severity::warning;
  }

  void authorities() {
    if (table().ca_file.empty()) return;
    const auto text = around_.read(table().ca_file);
    if (!text || !holds_certificate(text->bytes))
      report(Cause::FILE_UNREADABLE, "ca_file",
          fmt::format("the file of ca_file {}.", text ? "does not contain a PEM certificate" : text.error()));
    else if (table().url.starts_with("http:"))
      report(Cause::INVALID_VALUE, "ca_file", "ca_file has no effect: url is plain http.",
          "Remove ca_file, or use https.");
  }

  void events() {
    if (table().events.empty() && !broken("events"))
      report(Cause::INVALID_VALUE, "events", "events is empty, so the application is never asked.",
          fmt::format("Name some of {}.", available()));
    std::vector<std::string> seen;
    for (const std::string& word : table().events) {
      const auto event = event_of(word);
      if (!event)
        report(Cause::INVALID_VALUE, "events", "events has a word that is no event.",
            fmt::format("Name some of {}.", available()));
      else if (std::ranges::find(seen, word) != seen.end())
        report(Cause::INVALID_VALUE, "events", fmt::format("events names {} twice.", word), "Name each event once.");
      else
        never_asked(*event);
      seen.push_back(word);
    }
  }
  // The first table that has the event and the room counts.
  void never_asked(Event event) {
    const auto covered = [&](const std::string& rooms) {
      return std::any_of(tables_.begin(), tables_.begin() + static_cast<std::ptrdiff_t>(at_),
          [&](const asking::Table& other) { return asks(other, event) && reaches_all(other, rooms); });
    };
    const bool before = std::any_of(tables_.begin(), tables_.begin() + static_cast<std::ptrdiff_t>(at_),
        [&](const asking::Table& other) { return asks(other, event); });
    if (has_room(event) ? !table().rooms.empty() && std::ranges::all_of(table().rooms, covered) : before)
      report(Cause::INVALID_VALUE, "events",
          fmt::format("{} is never asked here: tables above have it for all of these rooms.", asking::to_string(event)),
          "Remove it, or write the narrower table first.");
  }
  static bool reaches_all(const asking::Table& table, const std::string& rooms) {
    return std::ranges::any_of(
        table.rooms, [&](const std::string& pattern) { return foyer::rooms::reaches(pattern, rooms); });
  }
  static std::string available() {
    std::string out;
    for (const Event event : kAll) out += (out.empty() ? "" : ", ") + std::string(asking::to_string(event));
    return out;
  }

  void secret() {
    const bool both = !table().secret.empty() && !table().secret_file.empty();
    if (both)
      report(Cause::CONFLICTING_KEYS, "secret_file", "secret and secret_file are both set.",
          "Remove secret or secret_file.");
    if (table().secret.empty() && table().secret_file.empty() && !broken("secret") && !broken("secret_file"))
      report(Cause::INVALID_VALUE, "secret", "secret is missing: the application could not tell who asks it.",
          "Set secret or secret_file to the output of `echo whsec_$(openssl rand -base64 32)`.");
    if (both || (table().secret.empty() && table().secret_file.empty())) return;
    const std::string_view field = table().secret.empty() ? "secret_file" : "secret";
    if (!table().secret_file.empty())
      if (const auto text = around_.read(table().secret_file))
        if (auto seen = exposure(*text, table().secret_file))
          report(Cause::SECRET_FILE_EXPOSED, field,
              fmt::format("the file of secret_file is accessible to all users (mode {:04o}).", text->mode & 07777),
              std::move(seen->fix))
              .severity = seen->severity;
    if (const auto key = ask_key(table(), around_.read); !key)
      report(key.error().cause, field, fmt::format("{} is not usable: {}.", field, key.error().evidence),
          "Set it to the output of `echo whsec_$(openssl rand -base64 32)`.");
  }

  void headers() {
    if (table().headers.size() > asking::kHeaders)
      report(Cause::INVALID_VALUE, "headers", fmt::format("headers names more than {}.", asking::kHeaders),
          "Name those that the application needs.");
    for (const std::string& name : table().headers)
      if (asking::is_own_header(name))
        report(
            Cause::INVALID_VALUE, "headers", fmt::format("{} is a header of the question itself.", name), "Remove it.");
  }

  void without_effect() {
    if (broken("events") || table().events.empty()) return;
    if (!asks_about_rooms(table()) && table().rooms != asking::Table{}.rooms)
      report(Cause::INVALID_VALUE, "rooms", "rooms has no effect: it belongs to subscribe and publish.",
          "Remove rooms, or add an event.");
    if (asks_about_rooms(table()) && table().rooms.empty())
      report(Cause::INVALID_VALUE, "rooms", "rooms is empty, so the application is never asked about a room.",
          "Name patterns of rooms.");
    const bool only_publish =
        std::ranges::all_of(table().events, [](const std::string& word) { return word == "publish"; });
    if (only_publish && table().ask_cache > Millis{0})
      report(Cause::INVALID_VALUE, "ask_cache", "ask_cache has no effect: answers about publish are not remembered.",
          "Remove ask_cache.");
  }

  // A room that nobody can enter or write in, because nobody is asked.
  void rule() {
    const auto& rule = loaded_.config.room_rules[at_];
    const auto check = [&](std::string_view field, Event event) {
      if (std::ranges::any_of(tables_,
              [&](const asking::Table& table) { return asks(table, event) && reaches_all(table, rule.match); }))
        return;
      found_.push_back(finding_about_entry(loaded_, Cause::INVALID_VALUE, *find_option("rooms"), at_, field,
          fmt::format("{}: {} is app, but no [[ask]] table has {} for all of these rooms.",
              entry_name(kRooms, loaded_.config, at_), field, asking::to_string(event)),
          fmt::format("Add {} to the events of an [[ask]] table whose rooms include {}.", asking::to_string(event),
              rule.match)));
    };
    if (rule.match.empty() || loaded_.is_broken("ask")) return;
    if (rule.join == rooms::JoinBy::app) check("join", Event::subscribe);
    if (rule.write == rooms::WriteBy::app) check("write", Event::publish);
  }

  const Loaded& loaded_;
  const std::vector<asking::Table>& tables_;
  const Context& around_;
  std::size_t at_ = 0;
  std::vector<Finding> found_;
};

} // namespace

std::vector<Finding> ask_findings(const Loaded& loaded, const Context& around) {
  return AskChecks(loaded, around).run();
}

Result<std::string> ask_key(const asking::Table& table, const ReadFile& read) {
  if (table.secret_file.empty()) return client::key_of(table.secret);
  const auto file = read(table.secret_file);
  if (!file) return refuse(Cause::FILE_UNREADABLE, "the file " + file.error());
  return client::key_of(without_line_end(file->bytes));
}

} // namespace foyer::config

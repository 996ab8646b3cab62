#include "config/room_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "rooms/model/room_rules.h"

namespace foyer::config {
namespace {

std::string yes_or_no(bool value) { return value ? "true" : "false"; }

std::string kept(std::uint64_t messages) { return messages == 0 ? "none" : fmt::format("{}", messages); }
std::string all_or(std::uint64_t number, std::string_view none) {
  return number == 0 ? std::string(none) : fmt::format("{}", number);
}

class Facts {
 public:
  Facts(const Loaded& loaded, const rooms::RoomRules& rules, std::string_view room)
      : loaded_(loaded),
        config_(loaded.config),
        settings_(rules.of(room)),
        rule_(rules.rule_of(room)),
        place_(rule_ == nullptr ? 0 : static_cast<std::size_t>(rule_ - rules.all().data())) {}

  [[nodiscard]] std::vector<RoomFact> all() {
    const auto has = [&](auto member) { return rule_ != nullptr && (rule_->*member).has_value(); };
    using rooms::RoomRule;
    add("join", std::string(to_string(settings_.join)), has(&RoomRule::join), {});
    add("write", std::string(to_string(settings_.write)), has(&RoomRule::write), {});
    add("durable", yes_or_no(settings_.durable), has(&RoomRule::durable), settings_.durable ? "" : "non_durable_rooms");
    const bool own_messages = has(&RoomRule::history_messages);
    if (settings_.durable)
      add("history_messages",
          own_messages ? kept(*settings_.history_messages) : all_or(config_.store.history_messages, "all"),
          own_messages, "history_messages");
    else
      add("history_messages",
          kept(own_messages ? *settings_.history_messages : config_.gateway.rooms.ephemeral.messages), own_messages,
          "memory_messages");
    if (settings_.durable)
      add("history_days", all_or(settings_.history_days.value_or(config_.store.history_days), "no limit"),
          has(&RoomRule::history_days), "history_days");
    add("presence", yes_or_no(settings_.presence), has(&RoomRule::presence), {});
    add("join_events", yes_or_no(settings_.join_events), has(&RoomRule::join_events), {});
    add("typing", yes_or_no(settings_.typing), has(&RoomRule::typing), {});
    return std::move(facts_);
  }
  [[nodiscard]] std::string rule_place() const { return rule_ == nullptr ? std::string{} : place_of({}); }

 private:
  void add(std::string_view name, std::string value, bool in_rule, std::string_view option) {
    std::string source = "default";
    if (in_rule) source = place_of(name);
    if (!in_rule && !option.empty())
      if (const auto found = loaded_.sources.find(option); found != loaded_.sources.end()) source = found->second.text;
    facts_.push_back({.name = std::string(name), .value = std::move(value), .source = std::move(source)});
  }
  // Of the rule, or of one of its fields.
  [[nodiscard]] std::string place_of(std::string_view field) const {
    const auto list = loaded_.entries.find("rooms");
    if (list == loaded_.entries.end() || place_ >= list->second.size()) return "default";
    const EntrySource& source = list->second[place_];
    const auto found = source.fields.find(field);
    return found == source.fields.end() ? source.text : found->second;
  }

  const Loaded& loaded_;
  const Config& config_;
  const rooms::RoomSettings settings_;
  const rooms::RoomRule* rule_;
  const std::size_t place_; // of the rule
  std::vector<RoomFact> facts_;
};

} // namespace

Result<RoomReport> report_on_room(const Loaded& loaded, std::string_view room) {
  TRY(kind, rooms::kind_of(room));
  const rooms::RoomRules rules(loaded.config.room_rules, loaded.config.non_durable_rooms);
  Facts facts(loaded, rules, room);
  const rooms::RoomRule* rule = rules.rule_of(room);
  return RoomReport{.room = std::string(room),
      .kind = std::string(rooms::to_string(kind)),
      .rule = rule == nullptr ? std::string{} : rule->match,
      .place = facts.rule_place(),
      .facts = facts.all()};
}

std::string room_text(const RoomReport& report) {
  std::string out = report.rule.empty()
      ? fmt::format("{} ({}): no rule in [[rooms]] matches its name.\n", report.room, report.kind)
      : fmt::format("{} ({}): the rule for {}, {}.\n", report.room, report.kind, report.rule, report.place);
  for (const RoomFact& fact : report.facts)
    out += fmt::format("  {:<17} {:<12} {}\n", fact.name, fact.value, fact.source);
  return out;
}

json::Object room_json(const RoomReport& report) {
  json::Object settings;
  for (const RoomFact& fact : report.facts)
    settings[fact.name] = json::Object{{"value", fact.value}, {"source", fact.source}};
  json::Object out{{"room", report.room}, {"kind", report.kind}};
  if (report.rule.empty())
    out["rule"] = nullptr;
  else
    out["rule"] = json::Object{{"match", report.rule}, {"source", report.place}};
  out["settings"] = std::move(settings);
  return out;
}

} // namespace foyer::config

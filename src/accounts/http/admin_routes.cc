#include "accounts/http/admin_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace foyer::accounts {
namespace {

Result<std::size_t> limit_of(const Request& request) {
  const auto text = request.query_arg("limit");
  if (!text) return kAdminPage;
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc{} || end != text->data() + text->size() || limit < 1 || limit > kLongestAdminPage)
    return refuse_field(Cause::BAD_REQUEST, "limit", fmt::format("it must be 1 to {}", kLongestAdminPage));
  return limit;
}

// A list of rows as {"NAME":[…]}.
template <class Row>
Completion<std::vector<Row>> then_list(const ExchangePtr& x, std::string_view name, json::Object (*write)(const Row&)) {
  return [x, name, write](Result<std::vector<Row>> rows) {
    if (!rows) return x->refuse_with(rows.error());
    json::Array list;
    for (const auto& row : *rows) list.push_back(write(row));
    x->answer(200, json::Object{{name, std::move(list)}});
  };
}

json::Object user_json(const UserListing& row) {
  json::Object out{{"id", row.user.id.view()}, {"name", row.user.name}, {"admin", row.user.admin},
      {"disabled", row.user.disabled}, {"created", rfc3339(row.user.created)}};
  if (!row.user.email.empty()) out["email"] = row.user.email;
  if (row.last_seen) out["last_seen"] = rfc3339(*row.last_seen);
  return out;
}

json::Object service_json(const ServiceRow& row) {
  json::Array may_call;
  for (const auto& id : row.may_call) may_call.emplace_back(id);
  json::Array secrets;
  for (const auto& secret : row.secrets) secrets.push_back(json::Object{{"created", rfc3339(secret.created)}});
  return {{"id", row.id}, {"may_call", std::move(may_call)}, {"disabled", row.disabled},
      {"created", rfc3339(row.created)}, {"secrets", std::move(secrets)}};
}

json::Object audit_json(const AuditRow& row) {
  json::Object out{{"at", rfc3339(row.at)}, {"action", row.action}, {"outcome", row.outcome}};
  const auto text = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out[name] = value;
  };
  text("user", row.user.view());
  text("address", row.address);
  text("ref", row.ref.view());
  text("detail", row.detail);
  if (row.repeats > 0) {
    out["repeats"] = row.repeats;
    if (row.last_at) out["last_at"] = rfc3339(*row.last_at);
  }
  return out;
}

void list_users(const ExchangePtr& x, const json::Object&, const Principal& who) {
  auto limit = limit_of(x->request());
  if (!limit) return x->refuse_with(limit.error());
  UserPageRequest question{.after = x->request().query_arg("after").value_or(""), .limit = *limit};
  x->service().admin_users(who, std::move(question), x->caller(), [x](Result<UserPage> page) {
    if (!page) return x->refuse_with(page.error());
    json::Array list;
    for (const auto& row : page->users) list.push_back(user_json(row));
    json::Object out{{"users", std::move(list)}};
    if (!page->next.empty()) out["next"] = page->next;
    x->answer(200, out);
  });
}

UserId user_of(const ExchangePtr& x) { return UserId{x->request().path_args.at(0)}; }

void disable(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->service().admin_set_disabled(who, user_of(x), true, x->caller(), x->then_nothing());
}
void enable(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->service().admin_set_disabled(who, user_of(x), false, x->caller(), x->then_nothing());
}
void remove(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->service().admin_delete_user(who, user_of(x), x->caller(), x->then_nothing());
}
void services(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->service().admin_services(who, x->caller(), then_list<ServiceRow>(x, "services", service_json));
}
void keys(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->service().admin_keys(who, x->caller(), then_list<KeyTimes>(x, "keys", to_json));
}

void rotate(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  std::optional<Millis> publish_for;
  if (const auto seconds = json::get_int(body, "publish_for"))
    publish_for = std::chrono::seconds{std::clamp<std::int64_t>(*seconds, -1, 1'000'000'000)};
  x->service().admin_rotate_key(who, publish_for, x->caller(), [x](Result<KeyTimes> key) {
    if (!key) return x->refuse_with(key.error());
    x->answer(201, to_json(*key));
  });
}

void audit(const ExchangePtr& x, const json::Object&, const Principal& who) {
  auto limit = limit_of(x->request());
  if (!limit) return x->refuse_with(limit.error());
  x->service().admin_audit(who, *limit, x->caller(), then_list<AuditRow>(x, "audit", audit_json));
}

} // namespace

void add_admin_routes(const RouteMaker& route, std::vector<Route>& out) {
  out.push_back(route("GET", "/auth/admin/users", with_bearer(list_users)));
  out.push_back(route("POST", "/auth/admin/users/{id}/disable", with_bearer(disable)));
  out.push_back(route("POST", "/auth/admin/users/{id}/enable", with_bearer(enable)));
  out.push_back(route("DELETE", "/auth/admin/users/{id}", with_bearer(remove)));
  out.push_back(route("GET", "/auth/admin/services", with_bearer(services)));
  out.push_back(route("GET", "/auth/admin/keys", with_bearer(keys)));
  out.push_back(route("POST", "/auth/admin/keys/rotate", with_bearer(rotate)));
  out.push_back(route("GET", "/auth/admin/audit", with_bearer(audit)));
}

} // namespace foyer::accounts

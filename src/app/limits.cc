#include "app/limits.h"

#include "app/policies.h"

namespace foyer::app {

Limits::Limits(const config::Config& config, Entropy& entropy, Metrics& metrics)
    : rules_(address_policy(config, entropy)),
      addresses(rules_),
      plain_gets(plain_get_policy(rules_)),
      users(config.connections.per_user),
      connections(config.connections),
      metrics_addresses(admission::AddressPolicy{.table_size = 1'024, .seed = rules_.seed}),
      metrics_connections(
          admission::ConnectionPolicy{.connections = 256, .handshakes = 128, .refused_sockets = 16, .requests = 128}) {
  addresses.report_to(metrics, "address_table");
  plain_gets.report_handshakes_to(metrics);
  users.report_to(metrics);
  connections.report_to(metrics);
}

} // namespace foyer::app

// The real network: a Transport over kept connections to one server.
#pragma once

#include "auth/transport.h"
#include "net/http_pool.h"

namespace foyer::auth {

class PooledTransport final : public Transport {
 public:
  PooledTransport(net::ControlPlane& plane, net::PoolOptions options)
      : pool_(net::pool_driver(plane), std::move(options)) {}
  void send(Call call, std::move_only_function<void(net::HttpResult)> done) override;

 private:
  net::HttpPool pool_;
};

} // namespace foyer::auth

// One visitor from several lambdas: std::visit(Overloaded{[](const A&) { … }, [](const B&) { … }}, variant).
#pragma once

namespace foyer {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

} // namespace foyer

// A deleter that calls a C library's function:
//   std::unique_ptr<BIO, Releases<BIO_free_all>>
#pragma once

namespace foyer {

template <auto Function>
struct Releases {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};

} // namespace foyer

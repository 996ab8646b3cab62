// ROCA: the library of some chips generated its primes as k M + (65537^a mod M), with M the
// product of the first primes. A modulus of two such primes is itself a power of 65537
// modulo M, which almost no other number is: about one in 2^200.
//
// So for each small prime the discrete logarithm of the modulus must exist, and all of
// them must agree where they concern the same residue.
#include <array>
#include <numeric>
#include <vector>

#include "jose/material.h"

namespace foyer::jose {
namespace {

constexpr unsigned kGenerator = 65537;
constexpr std::array<unsigned, 38> kPrimes{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73,
    79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

unsigned remainder_of(std::string_view big_endian, unsigned prime) {
  unsigned rest = 0;
  for (const char c : big_endian) rest = (rest * 256 + static_cast<unsigned char>(c)) % prime;
  return rest;
}

struct Logarithm {
  unsigned exponent;
  unsigned order; // of the generator
};

} // namespace

bool has_roca_structure(std::string_view modulus) {
  std::vector<Logarithm> found;
  for (const unsigned prime : kPrimes) {
    const unsigned wanted = remainder_of(modulus, prime);
    bool seen = false;
    Logarithm logarithm{0, 0};
    unsigned power = 1;
    do {
      if (power == wanted) {
        logarithm.exponent = logarithm.order;
        seen = true;
      }
      power = power * (kGenerator % prime) % prime;
      ++logarithm.order;
    } while (power != 1);
    if (!seen) return false;
    for (const auto& other : found) {
      const unsigned common = std::gcd(other.order, logarithm.order);
      if (other.exponent % common != logarithm.exponent % common) return false;
    }
    found.push_back(logarithm);
  }
  return true;
}

} // namespace foyer::jose

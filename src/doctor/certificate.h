// What a certificate says, as plain values.
#pragma once

#include "doctor/facts.h"

struct x509_st;

namespace foyer::doctor {

[[nodiscard]] Certificate read_certificate(x509_st* certificate);

} // namespace foyer::doctor

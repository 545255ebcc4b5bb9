// The seed of random tests: MILLRACE_SEED when set, otherwise fixed; printed so that a failure can
// be replayed.
#pragma once

#include <cstdint>

namespace millrace::test {

std::uint64_t seed();

}  // namespace millrace::test

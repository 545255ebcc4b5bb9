#include "tests/support/seed.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>

namespace millrace::test {

std::uint64_t seed() {
  const char* text = std::getenv("MILLRACE_SEED");
  const std::uint64_t value = text != nullptr ? std::strtoull(text, nullptr, 10) : 20260101;
  BOOST_TEST_MESSAGE("MILLRACE_SEED=" << value);
  return value;
}

}  // namespace millrace::test

// One message of each kind, with every field different from its default.
#pragma once

#include <vector>

#include "common/wire/control.hpp"

namespace millrace::test {

std::vector<control::Request> example_requests();
std::vector<control::Reply> example_replies();

}  // namespace millrace::test

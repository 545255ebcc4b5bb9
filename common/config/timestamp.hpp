// A moment as a job file writes it.
//
// Place: `source.kafka.start_timestamp`. Pure; no time zone but UTC, so that a job means the same
// everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace {

// Milliseconds since 1970 from digits alone, or from 2026-01-31, 2026-01-31T08:00Z,
// 2026-01-31T08:00:00Z, 2026-01-31T08:00:00.250Z. Nothing when it is none of these.
std::optional<std::int64_t> parse_timestamp_ms(std::string_view text);

}  // namespace millrace

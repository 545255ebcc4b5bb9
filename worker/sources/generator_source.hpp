// The SEA generator (Street and Kim 2001): three features uniform in [0, 10), the label is 1 when
// f1 + f2 is at most a threshold, and the threshold changes abruptly at given record numbers
// through 8, 9, 7, 9.5.
//
// Place: a RecordSource without bytes. A record is a pure function of (seed, record number), so a
// split may begin anywhere and a replay gives the same records. A share `noise` of the labels is
// flipped.
#pragma once

#include <array>
#include <memory>

#include "worker/sources/record_source.hpp"

namespace millrace {

struct SeaRecord {
  std::array<float, 3> features;
  bool label = false;
};
SeaRecord make_sea_record(const GeneratorSpec& spec, std::uint64_t seed, std::uint64_t number);

std::unique_ptr<RecordSource> open_generator_source(const GeneratorSpec& spec, const Schema& schema,
                                                    const SplitDescription& split, Offset from,
                                                    std::uint64_t seed);

}  // namespace millrace

// Decodes CSV bytes straight into a micro-batch: the hot path of every file source.
//
// Place: one decoder per split being read, on the training thread. It sees blocks of bytes that
// begin at a record start and says how many it consumed; the caller keeps the rest and adds the
// next bytes to it.
//
// Regular lines (no quotes) take a path that allocates nothing and knows no errors; whatever it
// does not like is decoded again by the careful path, which names what is wrong. A newline always
// ends a record unless `csv.multiline`. Blanks round an unquoted field are not part of it. A quote
// inside an unquoted field is text.
//
// Texts in the batch point into the block or the decoder's arena, which is reused when decoding
// starts on a batch without rows. One decoder goes with one dictionary and its later states.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/dictionary.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/quarantine.hpp"
#include "common/data/schema.hpp"

namespace millrace {

class CsvDecoder {
 public:
  enum class Stop {
    batch_full,
    need_more_bytes,  // the rest of the block is less than a record
    pending_class,  // the next record's class has no id yet: append it to the dictionary, then call
                    // again
  };
  struct Outcome {
    std::size_t consumed_bytes = 0;
    Stop stop = Stop::need_more_bytes;
    std::string pending_class;
  };

  CsvDecoder(const Schema& schema, const CsvSpec& spec);
  ~CsvDecoder();
  CsvDecoder(CsvDecoder&&) noexcept;
  CsvDecoder& operator=(CsvDecoder&&) noexcept;

  // Appends records to `batch` until it is full. `block` begins at `block_offset` of the split;
  // with `is_last_block` the split ends with it. Entries beyond limits::kQuarantineEntriesKept are
  // only counted.
  Outcome decode(ByteView block, Offset block_offset, bool is_last_block,
                 const Dictionary& dictionary, MicroBatch& batch, DecodeCounters& counters,
                 std::vector<QuarantineEntry>& quarantine);

  // Where to resume after `consumed` (the offset behind the consumed bytes): the same, or the start
  // of the overlong line that is being discarded and is not counted yet.
  Offset resume_offset(Offset consumed) const;

  // Copies the batch's texts into the arena, so that the block they point into may go while the
  // batch grows.
  void keep_texts(MicroBatch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace

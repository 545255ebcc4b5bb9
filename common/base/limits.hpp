// Every bound in one place, each with its reason. A limit is tested at its value and one beyond.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::limits {

// Input
inline constexpr std::size_t kLineBytesMax = 1u << 20;  // a CSV record; longer means a lost newline
// A wider row is almost always a wrong delimiter.
inline constexpr std::size_t kColumnsMax = 10'000;
inline constexpr std::size_t kJobFileBytesMax = 256u << 10;  // a job file is a page, not a data set
inline constexpr std::size_t kStringBytesMax = 4u << 10;     // names and paths
inline constexpr std::size_t kRetainedRecordBytes = 64;  // of a quarantined record, in its entry
// Entries kept with text; later ones are only counted.
inline constexpr std::size_t kQuarantineEntriesKept = 10'000;
inline constexpr std::size_t kInferenceRecords = 10'000;  // records read to infer a schema
inline constexpr std::size_t kClassesInferredMax = 20;    // more distinct integers mean regression
inline constexpr std::uint32_t kClassesMax = 1'024;       // widest label head
inline constexpr std::uint32_t kCategoriesMax = 4'096;    // widest one_hot of one field
inline constexpr std::size_t kSplitsMax = 4'096;          // of one job
inline constexpr std::size_t kFilesMax = 100'000;         // matched by one glob
// Read ahead by one training slot from all its partitions. The library looks once a second whether
// there is room again, so this also bounds what a slot reads in a second.
inline constexpr std::size_t kKafkaReadAheadBytes = std::size_t{64} << 20;
inline constexpr std::size_t kKafkaReadAheadMessages = 1'000'000;  // of about 300 B beside bytes

// Model
// float32 values of one model: 1 GiB.
inline constexpr std::size_t kParametersMax = std::size_t{1} << 28;
inline constexpr std::size_t kLayersMax = 64;
inline constexpr std::size_t kLayerWidthMax = 1u << 16;
inline constexpr std::size_t kBatchRecordsMax = 1u << 16;  // records of one micro-batch

// Evaluation
// Records of a window: 8 MiB per split.
inline constexpr std::uint32_t kEvaluationWindowMax = 1u << 20;

// Cluster
inline constexpr std::size_t kWorkersMax = 1'024;
inline constexpr std::size_t kReplicasMax = 1'024;
inline constexpr std::size_t kOutboxEntriesMax = 3;  // push, barrier push, barrier

// Storage
inline constexpr std::size_t kObjectNameBytesMax = 1'024;  // S3's own limit
// Of an object that is read into memory.
inline constexpr std::size_t kObjectBytesMax = std::size_t{1} << 30;
// 4,096 splits and their paths take 2 MiB.
inline constexpr std::size_t kManifestBytesMax = 64u << 20;
// Parameters and moments are several values.
inline constexpr std::size_t kStateValueBytesMax = std::size_t{2} << 30;
// Of a value in RocksDB: bounds its copies.
inline constexpr std::size_t kStateChunkBytes = 8u << 20;
// RocksDB's memory, twice while it flushes.
inline constexpr std::size_t kStateWriteBufferBytes = 64u << 20;

// Wire
inline constexpr std::size_t kFrameBytesMax = 16u << 20;  // ZMQ_MAXMSGSIZE
inline constexpr std::size_t kFramePartsMax = 4;
inline constexpr int kMessageNestingMax = 16;
inline constexpr std::size_t kTraversalWordsMax = 8u << 20;  // Cap'n Proto read budget, upper cap
inline constexpr std::size_t kPredictRowsMax = 65'536;       // rows of one prediction request

}  // namespace millrace::limits

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

// Sinks
// Of one replica: what it puts out and no sink has confirmed. Part of every checkpoint, so a sink
// that is away costs this much per cut; beyond it training waits.
inline constexpr std::size_t kOutputBytesMax = std::size_t{64} << 20;
// Put out since the last cut: then the next one is asked for, so that transactions stay short.
inline constexpr std::size_t kOutputBytesPerCut = kOutputBytesMax / 4;
// One message with its key and headers: what brokers take unless they are told otherwise, less what
// the protocol adds. A longer record is cut off, and a header says so.
inline constexpr std::size_t kOutputMessageBytesMax = 900'000;
// Handed to the library and not acknowledged yet, of one transaction.
inline constexpr std::size_t kOutputQueueBytesMax = std::size_t{32} << 20;
// Quarantined messages of one micro-batch: then it ends early.
inline constexpr std::size_t kDeadLetterBytesMax = 4u << 20;
inline constexpr std::size_t kDeadLettersMax = kQuarantineEntriesKept / 2;

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
inline constexpr std::size_t kLostWorkersKept = 64;   // shown as lost until newer ones are
inline constexpr std::size_t kJobEventsKept = 1'000;  // of each job: some 200 KiB
inline constexpr std::size_t kJobWarningsKept = 20;   // in a job's status; events tell the rest
inline constexpr std::size_t kOperationsKept = 1'024;
// Each holds some MiB of figures at the coordinator.
inline constexpr std::size_t kJobsMax = 1'024;
inline constexpr std::size_t kReplicasMax = 1'024;
inline constexpr std::size_t kOutboxEntriesMax = 3;   // push, barrier push, barrier
inline constexpr std::uint32_t kShardsMax = 1'024;    // of one job
inline constexpr std::size_t kHostedJobsMax = 1'024;  // of one worker's process
inline constexpr std::size_t kLabelsMax = 64;         // of one worker: a zone, a disk, a few more
inline constexpr std::size_t kAliasesMax = 1'024;     // of one model
inline constexpr std::size_t kNonceBytesMax = 64;     // 32 are used
inline constexpr std::size_t kSignatureBytesMax = 1u << 10;     // ECDSA takes 72 bytes
inline constexpr std::size_t kCertificateBytesMax = 16u << 10;  // ours take 800 bytes
// What was noted while a job was prepared: a line for each column, and some more.
inline constexpr std::size_t kNotesMax = 2 * kColumnsMax;

// Messages between processes
// One message: an order to start holds a whole job and what is stored of a cut, some 64 MiB each.
inline constexpr std::size_t kMessageBytesMax = std::size_t{128} << 20;
// Of entries and answers. Larger ones travel in chunks, so that others get through between them.
inline constexpr std::size_t kWholeMessageBytesMax = 1u << 20;
// Smaller chunks cost more for each byte, larger ones hold up what comes behind them.
inline constexpr std::size_t kChunkBytesMin = 64u << 10;
inline constexpr std::size_t kChunkBytesMax = 1u << 20;
// An entry or answer: the parameters and moments of a shard.
inline constexpr std::size_t kBulkBytesMax = std::size_t{2} << 30;
// Chunks that wait for the rest of their message: two of the largest.
inline constexpr std::size_t kStagedBytesMax = std::size_t{4} << 30;
// To one worker, sent and not acknowledged: what a fast link needs to be kept busy.
inline constexpr std::size_t kLinkBytesMax = 8u << 20;
inline constexpr std::size_t kStatusTextBytesMax = 16u << 10;   // of an error; cut off where longer
inline constexpr std::size_t kEvaluationBytesMax = 64u << 20;   // figures of one replica's splits
inline constexpr std::size_t kPackageBytesMax = 64u << 20;      // a job and the plan of its splits
inline constexpr std::size_t kPartBytesMax = 16u << 20;         // what a worker says it shipped
inline constexpr std::size_t kPushVectorsMax = 16;              // theta and the optimiser's slots
inline constexpr std::size_t kScalarsMax = 1'024;               // an optimiser has two or three
inline constexpr std::size_t kStatisticsMax = 1u << 20;         // a few of each column
inline constexpr std::size_t kDictionaryEntriesMax = 1u << 22;  // all fields together

// Storage
inline constexpr std::size_t kObjectNameBytesMax = 1'024;  // S3's own limit
// Of an object that is read into memory.
inline constexpr std::size_t kObjectBytesMax = std::size_t{1} << 30;
// 4,096 splits and their paths take 2 MiB.
inline constexpr std::size_t kManifestBytesMax = 64u << 20;
// Kept checkpoints and savepoints that a snapshot of the commit log names: 4 MiB of text.
inline constexpr std::size_t kSnapshotCutsMax = 100'000;
// Each pins what is stored of a cut; a snapshot of the commit log names them all.
inline constexpr std::size_t kSavepointsMax = 1'000;
// Asked for and not taken yet.
inline constexpr std::size_t kSavepointsWaitingMax = 64;
// Parameters and moments are several values.
inline constexpr std::size_t kStateValueBytesMax = std::size_t{2} << 30;
// Of a value in RocksDB: bounds its copies.
inline constexpr std::size_t kStateChunkBytes = 8u << 20;
// RocksDB's memory, twice while it flushes.
inline constexpr std::size_t kStateWriteBufferBytes = 64u << 20;

// The coordinator's volume
// One piece of an object: the smallest chunk, since a heartbeat may wait behind it.
inline constexpr std::size_t kVolumeChunkBytesMax = kChunkBytesMin;
// On their way from one process: one piece while another is stored, since a link may turn slow all
// of a sudden. And from all together: the volume's mailbox holds no more.
inline constexpr std::size_t kVolumeCreditBytesMax = 2 * kVolumeChunkBytesMax;
inline constexpr std::size_t kVolumeCreditBytesOfAll = 64u << 20;
// A file of RocksDB is smaller by far.
inline constexpr std::uint64_t kVolumeObjectBytesMax = std::uint64_t{16} << 30;
// Begun and not ended: each worker ships one object of a job at a time.
inline constexpr std::size_t kVolumePutsMax = 4'096;
// Ended, and their outcome told again to who asks again.
inline constexpr std::size_t kVolumePutsRemembered = 4'096;
inline constexpr std::size_t kVolumeNamesMax = 1'000;  // of one answer: 1 MiB
// Of the disk, or a tenth of a small one: logs, manifests and the catalogue always find room.
inline constexpr std::uint64_t kVolumeReserveBytes = std::uint64_t{256} << 20;

// Wire
inline constexpr std::size_t kFrameBytesMax = 16u << 20;  // ZMQ_MAXMSGSIZE
inline constexpr std::size_t kFramePartsMax = 4;
inline constexpr int kMessageNestingMax = 16;
inline constexpr std::size_t kTraversalWordsMax = 8u << 20;  // Cap'n Proto read budget, upper cap
// Of rows that producers send to a source: one message, what waits to be decoded, the producers
// whose positions are remembered (of some 200 B each, in every checkpoint), and a producer's name.
inline constexpr std::size_t kIngestFrameBytesMax = 2u << 20;
inline constexpr std::size_t kIngestQueueBytesMax = 8u << 20;
inline constexpr std::size_t kProducersMax = 1'024;
inline constexpr std::size_t kProducerNameBytesMax = 128;
// What a producer has sent and not seen acknowledged, which it keeps: at most.
inline constexpr std::size_t kIngestWindowMessages = 16'384;
inline constexpr std::size_t kIngestWindowBytes = 64u << 20;
inline constexpr std::size_t kPredictRowsMax = 65'536;  // rows of one prediction request

// Control endpoint
// A request holds a job file at most; larger ones end the connection.
inline constexpr std::size_t kControlRequestBytesMax = 1u << 20;
inline constexpr std::size_t kControlDocumentBytesMax = 1u << 20;  // a job file with every default
inline constexpr std::size_t kControlTextBytesMax = 16u << 10;     // any other text
inline constexpr std::size_t kControlListMax = 100'000;            // elements of one list
inline constexpr std::size_t kControlEventsMax = 1'000;            // of one reply
// Requests that wait for an answer: of one client, so that none shuts out the others, and of all.
inline constexpr std::size_t kControlInFlightPerClientMax = 32;
inline constexpr std::size_t kControlInFlightMax = 512;
// What a script in a loop may ask; `top` and `wait` ask once or twice a second.
inline constexpr std::uint32_t kControlRequestsPerSecondMax = 100;
inline constexpr std::size_t kControlClientsMax = 4'096;  // whose rate is remembered
inline constexpr std::size_t kCatalogJobsMax = 10'000;    // job files of 256 KiB: 2.5 GiB at worst
inline constexpr std::size_t kCatalogFileBytesMax = 1u << 20;  // a job file and what is known of it

// Access
inline constexpr std::size_t kPolicyBytesMax = 1u << 20;  // a client takes about 100
inline constexpr std::size_t kPolicyClientsMax = 4'096;
inline constexpr std::size_t kPolicyKeysPerClientMax = 4;  // two are enough to change one

// Observation
// Series of one metric: a few for each of some hundred jobs. Prometheus holds each in memory.
inline constexpr std::size_t kMetricSeriesMax = 1'024;
inline constexpr std::size_t kMetricLabelBytesMax = 128;
inline constexpr std::size_t kHealthChecksMax = 256;  // a few for each job that a process works on
inline constexpr std::size_t kHealthTextBytesMax = 256;
// Of the HTTP port of metrics and health: a scraper and two probes, and room for the curious.
inline constexpr std::size_t kHttpConnectionsMax = 64;
inline constexpr std::size_t kHttpHeadBytesMax = 8u << 10;  // request line and headers
inline constexpr std::size_t kHttpTargetBytesMax = 1u << 10;

}  // namespace millrace::limits

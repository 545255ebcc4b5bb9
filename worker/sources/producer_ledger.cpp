#include "worker/sources/producer_ledger.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;
// Of cuts whose end was not heard: one is in flight at a time, and the end of a later one will do.
constexpr std::size_t kCutsMax = 16;
constexpr std::size_t kWarningsMax = 16;

}  // namespace

// The one that has said nothing for longest, of those that have nothing under way.
bool ProducerLedger::make_room() {
  if (producers_.size() < limits::kProducersMax) return true;
  auto oldest = producers_.end();
  for (auto at = producers_.begin(); at != producers_.end(); ++at) {
    const bool is_older = oldest == producers_.end() || at->second.used < oldest->second.used;
    if (at->second.is_idle() && is_older) oldest = at;
  }
  if (oldest == producers_.end()) return false;
  producers_.erase(oldest);
  return true;
}

ProducerLedger::Producer* ProducerLedger::find_or_add(const std::string& name,
                                                      std::uint64_t acknowledged) {
  auto found = producers_.find(name);
  if (found == producers_.end()) {
    if (!make_room()) return nullptr;
    Producer producer;
    producer.received = producer.delivered = producer.acknowledged = acknowledged;
    found = producers_.emplace(name, producer).first;
  }
  found->second.used = ++uses_;
  note_loss(name, found->second, acknowledged);
  return &found->second;
}

void ProducerLedger::note_loss(const std::string& name, Producer& producer,
                               std::uint64_t acknowledged) {
  if (acknowledged <= producer.received) return;
  if (warnings_.size() < kWarningsMax) {
    warnings_.push_back("producer " + name + " saw messages up to " + std::to_string(acknowledged) +
                        " acknowledged, and the checkpoint that was restored has them only up to " +
                        std::to_string(producer.delivered) + ": what is between is lost");
  }
  producer.received = producer.delivered = producer.acknowledged = acknowledged;
  producer.partial_lines = 0;
}

Result<wire::IngestProgress> ProducerLedger::greet(const std::string& producer,
                                                   std::uint64_t acknowledged) {
  const Producer* known = find_or_add(producer, acknowledged);
  if (known != nullptr) return wire::IngestProgress{known->received, known->acknowledged};
  return Status(Code::resource_exhausted,
                std::to_string(limits::kProducersMax) +
                    " producers have messages under way here, and there is room for no more",
                "let fewer send to one endpoint");
}

ProducerLedger::Arrival ProducerLedger::arrive(const std::string& producer,
                                               std::uint64_t acknowledged, std::uint64_t sequence) {
  Arrival arrival;
  Producer* known = find_or_add(producer, acknowledged);
  if (known == nullptr) return arrival;
  if (sequence <= known->received) {
    arrival.verdict = Verdict::duplicate;
  } else if (sequence > known->received + 1) {
    arrival.verdict = Verdict::gap;
  } else {
    arrival.verdict = Verdict::take;
    if (known->delivered + 1 == sequence) arrival.skipped_lines = known->partial_lines;
    known->received = sequence;
  }
  arrival.progress = {known->received, known->acknowledged};
  return arrival;
}

void ProducerLedger::deliver(const std::string& producer, std::uint64_t sequence,
                             std::uint64_t lines, bool is_whole) {
  const auto found = producers_.find(producer);
  MILLRACE_CHECK(found != producers_.end());  // nobody with something under way is forgotten
  Producer& known = found->second;
  if (sequence <= known.delivered) return;  // said to be lost meanwhile, by the producer itself
  known.delivered = is_whole ? sequence : sequence - 1;
  known.partial_lines = is_whole ? 0 : lines;
}

void ProducerLedger::begin_cut(CutId cut) {
  auto& delivered = cuts_[cut];
  for (const auto& [name, producer] : producers_) delivered[name] = producer.delivered;
  if (cuts_.size() > kCutsMax) cuts_.erase(cuts_.begin());
}

std::vector<std::pair<std::string, wire::IngestProgress>> ProducerLedger::complete(CutId cut) {
  std::vector<std::pair<std::string, wire::IngestProgress>> news;
  const auto taken = cuts_.find(cut);
  if (taken == cuts_.end()) return news;
  for (const auto& [name, delivered] : taken->second) {
    const auto found = producers_.find(name);
    if (found == producers_.end() || delivered <= found->second.acknowledged) continue;
    found->second.acknowledged = delivered;
    news.emplace_back(name, wire::IngestProgress{found->second.received, delivered});
  }
  cuts_.erase(cuts_.begin(), std::next(taken));
  return news;
}

Bytes ProducerLedger::encode() const {
  ByteWriter writer;
  writer.envelope(kFormat, kFormat);
  writer.put<std::uint64_t>(producers_.size());
  std::vector<const std::pair<const std::string, Producer>*> by_use;
  for (const auto& entry : producers_) by_use.push_back(&entry);
  std::ranges::sort(by_use, {}, [](const auto* entry) { return entry->second.used; });
  for (const auto* entry : by_use) {
    writer.put_string(entry->first);
    writer.put(entry->second.delivered);
    writer.put(entry->second.partial_lines);
  }
  return std::move(writer).take();
}

Result<ProducerLedger> ProducerLedger::decode(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kFormat, "a source's list of producers");
  ProducerLedger ledger;
  const auto count = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < count; ++i) {
    std::string name = reader.get_string();
    Producer producer;
    producer.delivered = reader.get<std::uint64_t>();
    producer.partial_lines = reader.get<std::uint64_t>();
    producer.received = producer.acknowledged = producer.delivered;
    producer.used = ++ledger.uses_;
    ledger.producers_.emplace(std::move(name), producer);
  }
  MILLRACE_TRY(reader.finish());
  if (ledger.producers_.size() != count || count > limits::kProducersMax) {
    return Status(Code::corrupted, "a source's list of producers names one twice, or too many");
  }
  return ledger;
}

}  // namespace millrace

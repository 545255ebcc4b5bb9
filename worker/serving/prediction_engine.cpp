#include "worker/serving/prediction_engine.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "common/base/limits.hpp"
#include "worker/serving/prediction_lane.hpp"

namespace millrace {
namespace {

// One request on its way through the engine.
struct UnderWay {
  wire::PredictReply reply;
  PredictionLane* lane = nullptr;
};

wire::PredictReply error_reply(std::uint64_t id, const Status& status) {
  wire::PredictReply reply;
  reply.id = id;
  reply.error = wire::to_error(status);
  return reply;
}

void count_refusal(const Status& status, ServingStats& stats) {
  switch (status.code()) {
    case Code::timed_out:
      ++stats.expired;
      return;
    case Code::internal:
      ++stats.failed;
      return;
    default:
      ++stats.refused;
      return;
  }
}

Status check_deadline(const wire::PredictRequest& request, WallTime arrived_at, WallTime now) {
  if (request.deadline_ms == 0) return {};
  // A sender whose clock is ahead does not gain time by it.
  WallTime since = arrived_at;
  if (request.sent_at_ms != 0) {
    const auto sent_ms = std::min<std::uint64_t>(
        request.sent_at_ms, static_cast<std::uint64_t>(arrived_at.time_since_epoch().count()));
    since = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(sent_ms)));
  }
  const auto waited_ms = (now - since).count();
  if (waited_ms <= static_cast<std::int64_t>(request.deadline_ms)) return {};
  return {Code::timed_out,
          "the request waited " + std::to_string(waited_ms) + " ms, longer than its deadline of " +
              std::to_string(request.deadline_ms) + " ms",
          "ask again, allow more time, or send fewer requests at once"};
}

void describe(const ResolvedVersion& resolved, WallTime now, wire::PredictReply& reply) {
  const Lineage& lineage = resolved.model->lineage();
  reply.model = lineage.job;
  reply.version = lineage.version.value;
  reply.alias_revision = resolved.alias_revision;
  reply.cut = lineage.cut.value;
  reply.records = lineage.records;
  reply.age_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - lineage.created_at).count()));
  reply.classes = resolved.model->classes();
}

}  // namespace

struct PredictionEngine::State {
  explicit State(std::size_t rows_max) : batch_rows_max(rows_max) {}

  PredictionLane& lane_for(const std::shared_ptr<const PublishedModel>& model);
  void drop_unused_lanes();
  Status start(const ModelCatalog& catalog, const wire::PredictRequest& request,
               WallTime arrived_at, WallTime now, ServingStats& stats, UnderWay& under_way);
  void flush(ServingStats& stats);

  std::size_t batch_rows_max;
  std::vector<std::unique_ptr<PredictionLane>> lanes;
  std::vector<wire::PredictRequest> requests;  // reused
};

PredictionLane& PredictionEngine::State::lane_for(
    const std::shared_ptr<const PublishedModel>& model) {
  for (auto& lane : lanes) {
    if (&lane->model() == model.get()) return *lane;
  }
  lanes.push_back(std::make_unique<PredictionLane>(model, batch_rows_max));
  return *lanes.back();
}

// A version that nobody else holds is not in the catalog any more.
void PredictionEngine::State::drop_unused_lanes() {
  std::erase_if(lanes, [](const auto& lane) { return lane->is_last_owner(); });
}

Status PredictionEngine::State::start(const ModelCatalog& catalog,
                                      const wire::PredictRequest& request, WallTime arrived_at,
                                      WallTime now, ServingStats& stats, UnderWay& under_way) {
  MILLRACE_TRY(check_deadline(request, arrived_at, now));
  MILLRACE_ASSIGN(const ResolvedVersion resolved,
                  catalog.resolve(request.model, request.version, request.alias));
  MILLRACE_TRY(check_revision(resolved, {request.min_revision}));
  under_way.lane = &lane_for(resolved.model);
  describe(resolved, now, under_way.reply);
  return under_way.lane->add(request, under_way.reply, stats);
}

void PredictionEngine::State::flush(ServingStats& stats) {
  for (auto& lane : lanes) lane->flush(stats);
}

PredictionEngine::PredictionEngine(std::size_t batch_rows_max)
    : state_(std::make_unique<State>(std::max<std::size_t>(batch_rows_max, 1))) {}
PredictionEngine::~PredictionEngine() = default;

std::vector<Bytes> PredictionEngine::answer(const ModelCatalog& catalog,
                                            std::span<const ArrivedFrame> frames, WallTime now,
                                            ServingStats& stats) {
  state_->drop_unused_lanes();
  auto& requests = state_->requests;
  if (requests.size() < frames.size()) requests.resize(frames.size());
  // Lanes point into the replies until they are flushed: the vector must not grow.
  std::vector<UnderWay> all(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    ++stats.requests;
    Status status = wire::decode_request(frames[i].bytes, requests[i]);
    if (!status.is_ok()) {
      ++stats.malformed;
    } else {
      all[i].reply.id = requests[i].id;
      status = state_->start(catalog, requests[i], frames[i].arrived_at, now, stats, all[i]);
      if (!status.is_ok()) count_refusal(status, stats);
    }
    if (!status.is_ok()) all[i].reply.error = wire::to_error(status);
  }
  state_->flush(stats);

  std::vector<Bytes> replies(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    all[i].reply.id = requests[i].id;
    auto encoded = wire::encode(all[i].reply);
    if (!all[i].reply.error) ++(encoded.is_ok() ? stats.predicted : stats.refused);
    if (!encoded.is_ok()) encoded = wire::encode(error_reply(requests[i].id, encoded.status()));
    replies[i] = std::move(encoded).value();
    requests[i].clear();
  }
  return replies;
}

wire::PredictReply PredictionEngine::answer(const ModelCatalog& catalog,
                                            const wire::PredictRequest& request, WallTime now,
                                            ServingStats& stats) {
  state_->drop_unused_lanes();
  ++stats.requests;
  UnderWay under_way;
  under_way.reply.id = request.id;
  const Status status = state_->start(catalog, request, now, now, stats, under_way);
  state_->flush(stats);
  if (!status.is_ok()) {
    count_refusal(status, stats);
    return error_reply(request.id, status);
  }
  ++stats.predicted;
  return std::move(under_way.reply);
}

Bytes PredictionEngine::overloaded(ByteView frame) {
  const Status status(Code::resource_exhausted, "too many requests wait for this server",
                      "ask again after a moment, or ask another server");
  return wire::encode(error_reply(wire::request_id(frame), status)).value();
}

Bytes PredictionEngine::denied(ByteView frame, const Status& status) {
  return wire::encode(error_reply(wire::request_id(frame), status)).value();
}

}  // namespace millrace

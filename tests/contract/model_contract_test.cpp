// What every model promises, with every optimiser, in batches and record by record.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "common/base/bytes.hpp"
#include "common/base/random.hpp"
#include "common/ml/kernels/kernels.hpp"
#include "common/ml/optimizer.hpp"
#include "tests/support/seed.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kTableRows = 12;

struct Case {
  std::string name;
  ModelSpec model;
  OptimizerSpec optimizer;
  ModelInputs inputs;
};

std::vector<Case> all_cases() {
  struct Kind {
    const char* name;
    ModelSpec spec;
    Task task;
    std::uint32_t classes;
  };
  const std::vector<Kind> kinds = {
      {"linear", {.kind = ModelKind::linear, .layers = {}, .dropout = {}}, Task::regression, 1},
      {"logistic", {.kind = ModelKind::logistic, .layers = {}, .dropout = {}}, Task::binary, 2},
      {"softmax", {.kind = ModelKind::softmax, .layers = {}, .dropout = {}}, Task::multiclass, 5},
      {"mlp regression",
       {.kind = ModelKind::mlp, .layers = {24}, .dropout = {0.2}},
       Task::regression,
       1},
      {"mlp binary",
       {.kind = ModelKind::mlp, .layers = {20, 33}, .dropout = {0.2, 0.4}},
       Task::binary,
       2},
      {"mlp multiclass",
       {.kind = ModelKind::mlp, .layers = {17}, .dropout = {}},
       Task::multiclass,
       5}};
  std::vector<Case> result;
  for (const Kind& kind : kinds) {
    for (const std::uint32_t slots : {0u, 3u}) {
      for (const OptimizerKind optimizer :
           {OptimizerKind::sgd, OptimizerKind::adagrad, OptimizerKind::adam, OptimizerKind::nag}) {
        Case c;
        c.name = std::string(kind.name) + ", optimiser " +
                 std::to_string(static_cast<int>(optimizer)) + ", slots " + std::to_string(slots);
        c.model = kind.spec;
        c.optimizer.kind = optimizer;
        c.optimizer.learning_rate = 0.05;
        c.optimizer.l2 = 1e-3;
        c.optimizer.clip = 5.0;
        c.inputs.features.dense = 19;
        c.inputs.features.table_slots = slots;
        c.inputs.features.table_rows = slots == 0 ? 0 : kTableRows;
        c.inputs.task = kind.task;
        c.inputs.classes = kind.classes;
        result.push_back(c);
      }
    }
  }
  return result;
}

MicroBatch batch_of(const Case& c, std::size_t rows, std::uint64_t key, double size = 1.0) {
  MicroBatch batch(rows, c.inputs.features.dense, c.inputs.features.table_slots);
  batch.rows = rows;
  RandomStream random(test::seed(), key);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::uint32_t i = 0; i < batch.numeric_columns; ++i) {
      batch.numeric_row(r)[i] = static_cast<float>((2.0 * random.uniform() - 1.0) * size);
    }
    for (std::uint32_t s = 0; s < batch.categorical_columns; ++s) {
      const auto row = static_cast<std::uint32_t>(random.below(kTableRows + 2));
      batch.table_row(r)[s] = row < kTableRows ? row : kNoRow;
    }
    const std::uint64_t classes = c.inputs.task == Task::multiclass ? c.inputs.classes : 2;
    batch.labels[r] = static_cast<float>(random.below(classes));
    batch.weights[r] = static_cast<float>(random.below(3));
    batch.offsets[r] = Offset(key * 1000 + r);
  }
  return batch;
}

// A model with its optimiser and everything that learns.
struct Learner {
  explicit Learner(const Case& c, std::uint64_t seed = 7) : c_(c) {
    model = std::move(make_model(c.model, c.inputs)).value();
    optimizer = std::move(make_optimizer(c.optimizer)).value();
    online =
        std::move(make_online_trainer(c.model, c.optimizer, *model, *optimizer, c.inputs)).value();
    state.theta.assign(model->parameters().total(), 0.0f);
    model->initialise(state.theta, seed);
    optimizer->initialise(state);
  }
  std::vector<float> predict(const MicroBatch& batch) {
    std::vector<float> predictions(batch.rows * model->outputs());
    model->predict(batch, state.theta, workspace, predictions);
    return predictions;
  }
  std::vector<float> train_online(const MicroBatch& batch) {
    std::vector<float> predictions(batch.rows * model->outputs());
    online->train(batch, 3, 1.0, state, workspace, predictions, touched);
    return predictions;
  }
  void train_batch(const MicroBatch& batch) {
    model->gradient(batch, state.theta, workspace, 3, 0, gradient);
    optimizer->apply(model->parameters(), gradient, 1.0, model->intercepts(), state);
  }
  bool is_finite() const {
    bool result = kernels::all_bounded(state.theta.data(), state.theta.size());
    for (const auto& slot : state.slots)
      result = result && kernels::all_bounded(slot.data(), slot.size());
    for (const double scalar : state.scalars) result = result && std::isfinite(scalar);
    return result;
  }

  const Case c_;
  std::unique_ptr<const Model> model;
  std::unique_ptr<const Optimizer> optimizer;
  std::unique_ptr<const OnlineTrainer> online;
  ParameterState state;
  Workspace workspace;
  Gradient gradient;
  std::vector<std::uint32_t> touched;
};

bool same_bits(const ParameterState& a, const ParameterState& b) {
  const auto equal = [](std::span<const float> x, std::span<const float> y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size_bytes()) == 0;
  };
  bool result =
      equal(a.theta, b.theta) && a.slots.size() == b.slots.size() && a.scalars == b.scalars;
  for (std::size_t i = 0; result && i < a.slots.size(); ++i) result = equal(a.slots[i], b.slots[i]);
  return result;
}

ParameterState through_bytes(const ParameterState& state) {
  ByteWriter writer;
  writer.put_array(std::span<const float>(state.theta));
  for (const auto& slot : state.slots) writer.put_array(std::span<const float>(slot));
  writer.put_array(std::span<const double>(state.scalars));
  ByteReader reader(writer.view());
  ParameterState result;
  const auto floats = [&] {
    const std::vector<float> values = reader.get_array<float>();
    return AlignedVector<float>(values.begin(), values.end());
  };
  result.theta = floats();
  for (std::size_t i = 0; i < state.slots.size(); ++i) result.slots.push_back(floats());
  result.scalars = reader.get_array<double>();
  BOOST_REQUIRE(reader.finish().is_ok());
  return result;
}

template <typename Body>
void for_every_case(Body&& body) {
  for (const Case& c : all_cases()) {
    BOOST_TEST_CONTEXT(c.name) {
      body(c);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_contract)

BOOST_AUTO_TEST_CASE(a_batch_is_not_changed) {
  for_every_case([](const Case& c) {
    Learner learner(c);
    const MicroBatch batch = batch_of(c, 13, 1);
    const MicroBatch before = batch;
    learner.predict(batch);
    learner.train_batch(batch);
    learner.train_online(batch);
    BOOST_TEST((batch.numeric == before.numeric && batch.table_rows == before.table_rows));
    BOOST_TEST((batch.labels == before.labels && batch.weights == before.weights));
  });
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_bits) {
  for_every_case([](const Case& c) {
    Learner a(c), b(c);
    for (std::uint64_t k = 0; k < 4; ++k) {
      const MicroBatch batch = batch_of(c, 11 + k, k);
      a.train_batch(batch);
      b.train_batch(batch);
      BOOST_TEST((a.train_online(batch) == b.train_online(batch)));
    }
    BOOST_TEST(same_bits(a.state, b.state));
  });
}

BOOST_AUTO_TEST_CASE(a_row_alone_predicts_as_in_a_batch) {
  for_every_case([](const Case& c) {
    Learner learner(c);
    learner.train_batch(batch_of(c, 32, 1));
    const MicroBatch batch = batch_of(c, 301, 2);
    const auto together = learner.predict(batch);
    const std::uint32_t outputs = learner.model->outputs();
    MicroBatch single(1, batch.numeric_columns, batch.categorical_columns);
    single.rows = 1;
    for (std::size_t r = 0; r < batch.rows; r += 7) {
      std::copy_n(batch.numeric_row(r), batch.numeric_columns, single.numeric_row(0));
      std::copy_n(batch.table_row(r), batch.categorical_columns, single.table_row(0));
      const auto alone = learner.predict(single);
      BOOST_TEST(
          std::memcmp(alone.data(), together.data() + r * outputs, outputs * sizeof(float)) == 0);
    }
  });
}

BOOST_AUTO_TEST_CASE(online_training_does_not_depend_on_how_records_are_batched) {
  for_every_case([](const Case& c) {
    Learner whole(c), pieces(c);
    const MicroBatch batch = batch_of(c, 20, 3);
    const auto predictions = whole.train_online(batch);
    std::vector<float> gathered;
    for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{0, 1}, {1, 9}, {9, 20}}) {
      MicroBatch piece(end - begin, batch.numeric_columns, batch.categorical_columns);
      piece.rows = end - begin;
      for (std::size_t r = begin; r < end; ++r) {
        std::copy_n(batch.numeric_row(r), batch.numeric_columns, piece.numeric_row(r - begin));
        std::copy_n(batch.table_row(r), batch.categorical_columns, piece.table_row(r - begin));
        piece.labels[r - begin] = batch.labels[r];
        piece.weights[r - begin] = batch.weights[r];
        piece.offsets[r - begin] = batch.offsets[r];
      }
      const auto part = pieces.train_online(piece);
      gathered.insert(gathered.end(), part.begin(), part.end());
    }
    BOOST_TEST((gathered == predictions));
    BOOST_TEST(same_bits(whole.state, pieces.state));
  });
}

BOOST_AUTO_TEST_CASE(an_online_prediction_is_what_the_model_predicts_before_it_learns) {
  for_every_case([](const Case& c) {
    Learner learner(c);
    learner.train_online(batch_of(c, 30, 4));
    const MicroBatch next = batch_of(c, 1, 5);
    const auto before = learner.predict(next);
    BOOST_TEST((learner.train_online(next) == before));
  });
}

BOOST_AUTO_TEST_CASE(saved_loaded_and_continued_equals_never_stopped) {
  for_every_case([](const Case& c) {
    Learner straight(c), stopped(c);
    for (std::uint64_t k = 0; k < 3; ++k) {
      straight.train_batch(batch_of(c, 16, k));
      stopped.train_batch(batch_of(c, 16, k));
    }
    Learner resumed(c, 99);
    resumed.state = through_bytes(stopped.state);
    for (std::uint64_t k = 3; k < 6; ++k) {
      const MicroBatch batch = batch_of(c, 16, k);
      straight.train_batch(batch);
      resumed.train_batch(batch);
      BOOST_TEST((straight.train_online(batch) == resumed.train_online(batch)));
    }
    BOOST_TEST(same_bits(straight.state, resumed.state));
  });
}

BOOST_AUTO_TEST_CASE(predicting_and_learning_in_one_pass_gives_the_same_bits) {
  for_every_case([](const Case& c) {
    Learner learner(c);
    learner.train_batch(batch_of(c, 16, 1));
    const MicroBatch batch = batch_of(c, 300, 2);
    const auto predictions = learner.predict(batch);
    Gradient apart, together;
    learner.model->gradient(batch, learner.state.theta, learner.workspace, 3, 1, apart);
    std::vector<float> fused(predictions.size());
    learner.model->predict_and_gradient(batch, learner.state.theta, learner.workspace, 3, 1,
                                        together, fused);
    BOOST_TEST((fused == predictions));
    BOOST_TEST((apart.dense == together.dense && apart.rows == together.rows));
    BOOST_TEST((apart.row_values == together.row_values));
  });
}

BOOST_AUTO_TEST_CASE(bounded_inputs_never_give_parameters_that_are_not_numbers) {
  for_every_case([](const Case& c) {
    for (const double size : {1e-30, 1e-3, 1.0, 1e3}) {
      Learner learner(c);
      for (std::uint64_t k = 0; k < 10; ++k) {
        learner.train_batch(batch_of(c, 8, k, size));
        learner.train_online(batch_of(c, 8, 100 + k, size));
      }
      BOOST_TEST_CONTEXT("inputs of size " << size) {
        BOOST_TEST(learner.is_finite());
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(learning_lowers_the_loss) {
  for_every_case([](Case c) {
    c.optimizer.l2 = 0.0;
    Learner learner(c);
    MicroBatch batch = batch_of(c, 64, 9);
    std::fill(batch.weights.begin(), batch.weights.end(), 1.0f);
    const auto distance = [&] {
      const auto p = learner.predict(batch);
      const std::uint32_t outputs = learner.model->outputs();
      double sum = 0.0;
      for (std::size_t r = 0; r < batch.rows; ++r) {
        const float label = batch.labels[r];
        sum += outputs > 1
                   ? 1.0 - static_cast<double>(p[r * outputs + static_cast<std::size_t>(label)])
                   : std::abs(static_cast<double>(p[r] - label));
      }
      return sum;
    };
    const double before = distance();
    for (int k = 0; k < 200; ++k) learner.train_batch(batch);
    BOOST_TEST(distance() < before);
  });
}

BOOST_AUTO_TEST_CASE(only_touched_rows_of_the_table_move_and_all_of_them_are_told) {
  for_every_case([](Case c) {
    if (c.inputs.features.table_slots == 0) return;
    Learner learner(c);
    MicroBatch batch = batch_of(c, 6, 4);
    for (std::uint32_t& row : batch.table_rows) row = row == kNoRow ? kNoRow : row % 2 * 5 + 1;
    std::fill(batch.weights.begin(), batch.weights.end(), 1.0f);
    const AlignedVector<float> before = learner.state.theta;
    learner.train_batch(batch);
    BOOST_TEST(std::is_sorted(learner.gradient.rows.begin(), learner.gradient.rows.end()));
    BOOST_TEST((std::adjacent_find(learner.gradient.rows.begin(), learner.gradient.rows.end()) ==
                learner.gradient.rows.end()));
    learner.train_online(batch);
    const ParameterLayout layout = learner.model->parameters();
    for (std::uint32_t row = 0; row < kTableRows; ++row) {
      const std::size_t at = layout.dense + row * layout.table_width;
      const bool has_moved = std::memcmp(&before[at], &learner.state.theta[at],
                                         layout.table_width * sizeof(float)) != 0;
      const bool is_present = std::find(batch.table_rows.begin(), batch.table_rows.end(), row) !=
                              batch.table_rows.end();
      const bool is_told =
          std::find(learner.touched.begin(), learner.touched.end(), row) != learner.touched.end();
      BOOST_TEST(has_moved == is_present);
      BOOST_TEST(is_told == is_present);
    }
  });
}

BOOST_AUTO_TEST_CASE(an_empty_batch_teaches_nothing) {
  for_every_case([](Case c) {
    c.optimizer.kind = OptimizerKind::sgd;
    c.optimizer.l2 = 0.0;
    Learner learner(c);
    const AlignedVector<float> before = learner.state.theta;
    const MicroBatch batch = batch_of(c, 0, 1);
    learner.train_batch(batch);
    learner.train_online(batch);
    BOOST_TEST((learner.state.theta == before));
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace

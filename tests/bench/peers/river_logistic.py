"""River's standardised logistic regression, test-then-train. One JSON object per rate on stdout.

    river_logistic.py --stream elec2 --rates 0.1
"""
import argparse
import json
import time

import river
from river import linear_model, optim, preprocessing

import scores
import streams


def run(features, labels, rate, intercept_rate):
    """The scaler learns a record before it transforms it; the model learns it after predicting it."""
    scaler = preprocessing.StandardScaler()
    model = linear_model.LogisticRegression(optimizer=optim.SGD(rate), intercept_lr=intercept_rate)
    rows = [dict(enumerate(row)) for row in features.tolist()]
    probabilities = []
    begin = time.perf_counter()
    for row, label in zip(rows, labels.tolist()):
        scaler.learn_one(row)
        scaled = scaler.transform_one(row)
        probabilities.append(model.predict_proba_one(scaled).get(True, 0.5))
        model.learn_one(scaled, bool(label))
    return probabilities, time.perf_counter() - begin


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--stream", default="elec2", help="as in streams.py")
    flags.add_argument("--positive", type=int, help="this class against the rest")
    flags.add_argument("--rates", type=float, nargs="+", default=[0.1])
    flags.add_argument("--intercept-rate", type=float, default=0.01)
    flags.add_argument("--rows", type=int, help="only the first rows")
    flags.add_argument("--cache", help="folder of the streams")
    options = flags.parse_args()
    features, labels = streams.load(options.stream, options.cache, options.positive)
    features, labels = features[:options.rows], labels[:options.rows]
    for rate in options.rates:
        probabilities, seconds = run(features, labels, rate, options.intercept_rate)
        print(json.dumps({
            "peer": f"river {river.__version__}", "stream": options.stream, "positive": options.positive,
            "rate": rate, "intercept_rate": options.intercept_rate, **scores.scores(probabilities, labels),
            "seconds": round(seconds, 2), "rows_per_second": round(len(labels) / seconds),
        }), flush=True)


if __name__ == "__main__":
    main()

"""PyTorch's MLP, prequentially: predict a batch, score it, then train on it. One JSON object per run on stdout.

    pytorch_mlp.py --stream covtype --positive 2 --seeds 1 2 3
    pytorch_mlp.py --stream covtype-shuffled --layers 128 256 128 --batch 32 --rate 1e-3
"""
import argparse
import json
import time

import numpy
import torch

import scores
import streams


def build(inputs, layers, outputs):
    steps, width = [], inputs
    for layer in layers:
        steps += [torch.nn.Linear(width, layer), torch.nn.ReLU()]
        width = layer
    return torch.nn.Sequential(*steps, torch.nn.Linear(width, outputs))


def run(features, labels, layers, batch, rate, seed):
    """One pass; probabilities of every row before it was trained on, and the wall and CPU seconds of the loop."""
    torch.manual_seed(seed)
    classes = int(labels.max()) + 1
    binary = classes == 2
    model = build(features.shape[1], layers, 1 if binary else classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    loss_of = torch.nn.BCEWithLogitsLoss() if binary else torch.nn.CrossEntropyLoss()
    x = torch.from_numpy(features)
    y = torch.from_numpy(labels.astype(numpy.float32)[:, None] if binary else labels)
    logits_of_all = []
    begin, cpu_begin = time.perf_counter(), time.process_time()
    for row in range(0, len(x), batch):
        logits = model(x[row:row + batch])
        logits_of_all.append(logits.detach())
        loss = loss_of(logits, y[row:row + batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu_begin
    logits = torch.cat(logits_of_all).double()
    result = torch.sigmoid(logits)[:, 0] if binary else torch.softmax(logits, dim=1)
    return result.numpy(), seconds, cpu_seconds


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--stream", default="covtype", help="as in streams.py")
    flags.add_argument("--positive", type=int, help="this class against the rest")
    flags.add_argument("--layers", type=int, nargs="*", default=[128, 256, 128])
    flags.add_argument("--batch", type=int, default=32)
    flags.add_argument("--rate", type=float, default=1e-3)
    flags.add_argument("--seeds", type=int, nargs="+", default=[1])
    flags.add_argument("--rows", type=int, help="only the first rows")
    flags.add_argument("--cache", help="folder of the streams")
    options = flags.parse_args()
    torch.set_num_threads(1)
    begin = time.perf_counter()
    features, labels = streams.load(options.stream, options.cache, options.positive)
    features, labels = features[:options.rows], labels[:options.rows]
    features = streams.standardise_online(features)
    prepared = time.perf_counter() - begin
    for seed in options.seeds:
        probabilities, seconds, cpu = run(features, labels, options.layers, options.batch, options.rate, seed)
        print(json.dumps({
            "peer": f"pytorch {torch.__version__}", "stream": options.stream, "positive": options.positive,
            "layers": options.layers, "batch": options.batch, "rate": options.rate, "seed": seed,
            **scores.scores(probabilities, labels),
            "train_seconds": round(seconds, 2), "prepare_seconds": round(prepared, 2),
            "rows_per_second": round(len(labels) / seconds), "rows_per_cpu_second": round(len(labels) / cpu),
        }), flush=True)


if __name__ == "__main__":
    main()

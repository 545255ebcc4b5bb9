"""Prequential figures, computed alike for every peer from its predictions in stream order."""
import numpy

CLIP = 1e-15  # a probability of 0 would make the log loss infinite


def scores(probabilities, labels):
    """probabilities [rows, classes] or [rows] (of class 1), labels [rows]."""
    probabilities = numpy.asarray(probabilities, dtype=numpy.float64)
    if probabilities.ndim == 1:
        probabilities = numpy.stack([1.0 - probabilities, probabilities], axis=1)
    labels = numpy.asarray(labels)
    rows, classes = probabilities.shape
    chosen = numpy.clip(probabilities[numpy.arange(rows), labels], CLIP, 1.0 - CLIP)
    predicted = probabilities.argmax(axis=1)
    confusion = numpy.bincount(labels * classes + predicted, minlength=classes * classes)
    confusion = confusion.reshape(classes, classes).astype(numpy.float64)
    accuracy = float((predicted == labels).mean())
    by_chance = float((confusion.sum(axis=0) * confusion.sum(axis=1)).sum() / rows**2)
    last_label = float((labels[1:] == labels[:-1]).sum() / rows)
    return {
        "rows": rows,
        "accuracy": round(accuracy, 5),
        "log_loss": round(float(-numpy.log(chosen).mean()), 5),
        "kappa": round((accuracy - by_chance) / (1.0 - by_chance), 5),
        "kappa_temporal": round((accuracy - last_label) / (1.0 - last_label), 5),
        "last_label_accuracy": round(last_label, 5),
        "majority_accuracy": round(float(numpy.bincount(labels).max() / rows), 5),
    }

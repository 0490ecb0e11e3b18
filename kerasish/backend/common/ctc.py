"""The search for the most probable labels of a connectionist temporal classification, on the host."""

from math import exp, inf, log1p

from kerasish.backend.registry import kernel


@kernel("ctc_beam_search")
def ctc_beam_search(xp, log_p, lengths, *, beam_width, top_paths, mask_index):
    """Return the best label sequences `(paths, batch, time)`, -1 after their ends, and their log-probabilities.

    A prefix is kept with two scores: of the alignments that end in a blank, and of those that end in its last label.
    """
    batch, time, _ = log_p.shape
    paths, scores = [], []
    for rows, length in zip(log_p.astype("float64").tolist(), lengths.tolist(), strict=True):
        beams = {(): (0.0, -inf)}
        for row in rows[: max(1, length)]:
            beams = _best(_extended(beams, row, mask_index), beam_width)
        best = [*_best(beams, top_paths).items()]
        best += [((), (-inf, -inf))] * (top_paths - len(best))
        paths.append([[*path, *[-1] * (time - len(path))] for path, _ in best])
        scores.append([_log_add(*score) for _, score in best])
    shape = (batch, top_paths, time)
    return (
        xp.asarray(paths, dtype="int32").reshape(shape).transpose(1, 0, 2),
        xp.asarray(scores, dtype=log_p.dtype).reshape(batch, top_paths),
    )


def _extended(beams, row, blank):
    """Return all prefixes that one more step of time leads to."""
    found = {}

    def add(path, to_blank, to_label):
        old_blank, old_label = found.get(path, (-inf, -inf))
        found[path] = _log_add(old_blank, to_blank), _log_add(old_label, to_label)

    for path, (in_blank, in_label) in beams.items():
        total = _log_add(in_blank, in_label)
        for label, score in enumerate(row):
            if label == blank:
                add(path, total + score, -inf)
            elif path and path[-1] == label:
                add(path, -inf, in_label + score)
                add((*path, label), -inf, in_blank + score)
            else:
                add((*path, label), -inf, total + score)
    return found


def _best(beams, count):
    ordered = sorted(beams.items(), key=lambda item: -_log_add(*item[1]))
    return dict(ordered[:count])


def _log_add(a, b):
    high, low = (a, b) if a > b else (b, a)
    return high if low == -inf else high + log1p(exp(low - high))

# SPDX-License-Identifier: Apache-2.0
"""From measured seconds to a table: medians, ratios of pairs, budgets.

Each round measures every contender once, one after the other, so that a ratio compares neighbours in time: a machine that
is shared gets faster and slower, but hardly between the two halves of a pair. A cell is the median over the rounds.
"""
import statistics
import typing

COLUMNS = ["native", "bindfs", "mergerfs", "gocryptfs"]  # the others share a column


def alternate(jobs, rounds):
    """jobs: {name: function that returns seconds, or a dict of such}. Returns {name: [one for each round]}."""
    results = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            results[name].append(job())
    return results


def pick(results, key):
    """Of results whose values are dicts, one figure; contenders that don't have it drop out."""
    return {name: [r[key] for r in rounds] for name, rounds in results.items() if all(key in r for r in rounds)}


class Budget(typing.NamedTuple):
    text: str
    holds: typing.Callable  # of a Row
    reference: str = ""  # a contender; without it nothing is judged


def at_most(times, reference):
    return Budget(f"≤ {times:.3g}× {reference}", lambda row: row.ratio(reference) <= times, reference)


def ahead(times, reference):
    return Budget(f"{times:.3g}× ahead of {reference}", lambda row: row.ratio(reference) <= 1 / times, reference)


def at_most_over(microseconds, reference):
    return Budget(f"≤ {microseconds} µs over {reference}", lambda row: row.over(reference) <= microseconds * 1e-6, reference)


def below(limit, text):
    return Budget(text, lambda row: row.value() <= limit)


class Row:
    """One line of the table. `times`: {contender: seconds of each round}, the one to judge is `of`."""

    def __init__(self, name, what, times, budgets=(), of="ward", show=None, note="", in_microseconds=()):
        self.name, self.what, self.times, self.budgets, self.of = name, what, times, budgets, of
        self.show, self.note = show or duration, note
        self.in_microseconds = in_microseconds  # contenders compared by difference, not by ratio

    def value(self):
        return statistics.median(self.times[self.of])

    def pairs(self, reference):
        return zip(self.times[self.of], self.times[reference])

    def ratio(self, reference):
        return statistics.median(mine / max(theirs, 1e-9) for mine, theirs in self.pairs(reference))

    def over(self, reference):
        return statistics.median(mine - theirs for mine, theirs in self.pairs(reference))

    def verdict(self):
        judged = [b for b in self.budgets if not b.reference or b.reference in self.times]
        missed = [b for b in judged if not b.holds(self)]
        if not judged or not missed:
            return "met" if judged else "–"
        return "**missed**" + (f" ({', '.join(b.reference for b in missed)})" if len(judged) > 1 else "")

    def others(self):
        for name in self.times:
            if name in self.in_microseconds:
                yield f"{self.over(name) * 1e6:+.0f} µs {name}"
            elif name not in COLUMNS and name != self.of and not name.startswith("ward"):
                yield f"{factor(self.ratio(name))} {name}"
        if self.note:
            yield self.note

    def cells(self):
        return [f"`{self.name}` {self.what}", self.show(self.value()),
                *(factor(self.ratio(n)) if n in self.times else "–" for n in COLUMNS),
                "; ".join(self.others()) or "–", "; ".join(b.text for b in self.budgets) or "–", self.verdict()]


def factor(ratio):
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.2g}×" if ratio >= 0.1 else f"{ratio:.1g}×"


def duration(seconds):
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def rate(seconds):
    """Of a row whose times are seconds per item."""
    return f"{1 / seconds:,.0f}/s"


def megabytes(amount):
    return f"{amount:.0f} MB"


HEAD = ["row", "ward", *(f"÷ {name}" for name in COLUMNS), "÷ others", "budget", ""]


def table(rows):
    """Markdown."""
    lines = [HEAD, ["---"] + ["---:"] * 5 + ["---"] * 3] + [row.cells() for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)

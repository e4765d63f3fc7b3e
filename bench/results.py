"""What a bench found, written to bench/out/ after each part: JSON with every value, a table, a plot."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.figures import Goal, distribution, plot, table, verdicts
from bench.stage import OUT


@dataclass
class Results:
    """What was found so far; `stages` are milliseconds, `counts` whatever was counted."""

    name: str
    title: str
    goals: Sequence[Goal]
    machine: dict[str, object]
    stages: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, dict[str, object]] = field(default_factory=dict)

    def write(self) -> str:
        """Write all three files; the text one."""
        about = {
            "machine": self.machine,
            "counts": self.counts,
            "ms": {name: distribution(values) for name, values in self.stages.items()},
            "all": {name: [round(value, 3) for value in values] for name, values in self.stages.items()},
        }
        facts = "\n".join(f"{name}: {what}" for name, what in {**self.machine, **self.counts}.items())
        text = f"{table(self.stages)}\n{verdicts(self.goals, self.stages)}\n{facts}\n"
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f"{self.name}.json").write_text(json.dumps(about, indent=1))
        (OUT / f"{self.name}.md").write_text(text)
        (OUT / f"{self.name}.svg").write_text(plot(self.stages, title=self.title))
        return text

"""Writes the generated parts of README.md anew: the table of models and the demo's leaderboard. `make docs` runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from foretaste.registry import models

ROOT = Path(__file__).parent.parent


def models_table() -> str:
    rows = [
        f"| `{name}` | {spec.summary} | {f'`{spec.extra}`' if spec.extra else ''} |" for name, spec in models().items()
    ]
    return "\n".join(["| model | recommends | extra |", "| --- | --- | --- |", *rows])


def leaderboard_table() -> str:
    """Of `foretaste demo --no-serve --json`: what the newcomer will see."""
    command = [sys.executable, "-c", "from foretaste.cli import main; main()", "demo", "--no-serve", "--json"]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    rows = shown["leaderboard"]["rows"]
    lines = [
        "| model | NDCG@10 (95 % interval) | Recall@10 | MRR@10 | coverage |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        low, high = row["intervals"]["ndcg@10"]
        test = row["test"]
        lines.append(
            f"| `{row['model']}` | {test['ndcg@10']:.4f} ({low:.4f} to {high:.4f}) | {test['recall@10']:.4f} | "
            f"{test['mrr@10']:.4f} | {test['coverage@10']:.0%} |"
        )
    said = rows[0]["protocol"]
    protocol = (
        f"{said['data']}, held out: {said['split']}, {said['people_asked']} people, full ranking, "
        f"seen items {said['seen']}, {said['variant']}; printed by `make demo`."
    )
    return "\n".join([*lines, "", protocol])


def filled(text: str, name: str, content: str) -> str:
    """`text` with everything between <!-- name --> and <!-- /name --> replaced."""
    found = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return found.sub(lambda marks: f"{marks[1]}{content}\n{marks[2]}", text)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = filled(readme.read_text(encoding="utf-8"), "models", models_table())
    readme.write_text(filled(text, "leaderboard", leaderboard_table()), encoding="utf-8")

"""Writes the generated parts of README.md anew: the table of models and the demo's leaderboard. `make docs` runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from foretaste.data.prepare.config import PrepareConfig
from foretaste.data.sources.catalogue import SOURCES
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


def published_tables() -> str:
    """One table for each benchmarks/results/published-*.json."""
    parts = []
    for path in sorted((ROOT / "benchmarks" / "results").glob("published-*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        metrics = found["reference_metrics"]
        orders = next((len(row["tie_order"]["values"]) for row in found["rows"] if row.get("tie_order")), 0)
        further = ["fit s", f"{found['main']} in {orders} other orders of ties"] if orders else ["fit s"]
        parts += [f"### {path.stem.removeprefix('published-')}", ""]
        parts += [
            f"| model | {' | '.join([*metrics, *further])} |",
            f"| --- |{' ---: |' * (len(metrics) + len(further))}",
        ]
        for row in found["rows"]:
            level = " =" if row.get("level_with_best") else ""
            figures = " | ".join(f"{row['test'][name]:.4f}" for name in metrics)
            cells = [figures, f"{row['fit_seconds']:,.1f}"]
            if orders:
                tied = row.get("tie_order")
                cells.append(f"{tied['mean']:.4f} ± {tied['half']:.4f}" if tied else "")
            parts.append(f"| `{row['model']}`{_way(row, found['rows'])}{level} | {' | '.join(cells)} |")
        for who, figures in found["references"].items():
            parts.append(f"| *{who}* | {' | '.join(f'{figure:.4f}' for figure in figures)} |{' |' * len(further)}")
        said = found["rows"][0]["protocol"]
        parts += ["", f"{said['data']}, held out: {said['split']}.", ""]
    return "\n".join(parts).rstrip()


def _way(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Variant and seen items, where rows of one table differ in them."""
    ways = [(each["protocol"].get("variant"), each["protocol"].get("seen")) for each in rows]
    return "" if len(set(ways)) == 1 else f", {row['protocol']['variant']}, seen items {row['protocol']['seen']}"


def speed_table() -> str:
    """Of benchmarks/results/speed.json; empty where the peers were not measured yet."""
    path = ROOT / "benchmarks" / "results" / "speed.json"
    if not path.is_file():
        return "Not measured yet."
    found = json.loads(path.read_text(encoding="utf-8"))["result"]
    libraries = [name for name in found["libraries"] if name != "foretaste"]
    own = found["libraries"]["foretaste"]
    lines = [f"| step | foretaste | {' | '.join(libraries)} |", f"| --- | ---: |{' ---: |' * len(libraries)}"]
    for step, ratios in found["times_as_long_as_foretaste"].items():
        cells = " | ".join(f"{ratios[name]:.1f}x" if name in ratios else "" for name in libraries)
        lines.append(f"| {step} | {own['seconds'][step.removesuffix(' (its batch size)')]:.2f} s | {cells} |")
    peaks = " | ".join(f"{found['libraries'][name].get('peak_mb', float('nan')):,} MB" for name in libraries)
    return "\n".join([*lines, f"| peak memory | {own['peak_mb']:,} MB | {peaks} |"])


def sources_table() -> str:
    lines = ["| data set | holds | licence | |", "| --- | --- | --- | --- |"]
    for name, source in SOURCES.items():
        shown = f"`{name}:CATEGORY`" if source.choices else f"`{name}`"
        how = "by hand" if source.by_hand else "checksum" if source.files[0].checksum else "first file trusted"
        lines.append(f"| {shown} | {source.summary} | [{source.licence.rstrip('.')}]({source.terms}) | {how} |")
    for name, source in SOURCES.items():
        if source.choices and not name.endswith("core"):
            lines += ["", f"Categories of `{name}`: {', '.join(source.choices)}."]
    return "\n".join(lines)


def prepare_table() -> str:
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for key, field in PrepareConfig.model_fields.items():
        default = "" if field.default is None else f"`{json.dumps(field.default)}`"
        lines.append(f"| `{key}` | {default} | {' '.join(str(field.description).split())} |")
    return "\n".join(lines)


def filled(text: str, name: str, content: str) -> str:
    """`text` with everything between <!-- name --> and <!-- /name --> replaced."""
    found = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return found.sub(lambda marks: f"{marks[1]}{content}\n{marks[2]}", text)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = filled(readme.read_text(encoding="utf-8"), "models", models_table())
    readme.write_text(filled(text, "leaderboard", leaderboard_table()), encoding="utf-8")
    tables = ROOT / "docs" / "benchmarks.md"
    text = filled(tables.read_text(encoding="utf-8"), "published", published_tables())
    tables.write_text(filled(text, "speed", speed_table()), encoding="utf-8")
    about_data = ROOT / "docs" / "data.md"
    text = filled(about_data.read_text(encoding="utf-8"), "sources", sources_table())
    about_data.write_text(filled(text, "prepare", prepare_table()), encoding="utf-8")

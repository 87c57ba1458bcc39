"""Writes the generated tables of README.md and docs/ anew.

`make docs` runs it; `make tables` also trains the demo for its leaderboard, which takes a minute or two.
"""

from __future__ import annotations

import json
import re
import shutil
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


IMAGES = ("speed_training.svg", "cold_people-amazon-beauty.svg")
"""Drawn by benchmarks, shown by pages: the site holds what lies in docs/ and nothing else."""


def copy_images() -> None:
    for name in IMAGES:
        shutil.copyfile(ROOT / "benchmarks" / "results" / name, ROOT / "docs" / "images" / name)


def published_tables() -> str:
    """One table for each published-NAME.json; a published-NAME.MORE.json beside it brings rows of another run."""
    parts = []
    results = ROOT / "benchmarks" / "results"
    for name in sorted({path.name.split(".")[0] for path in results.glob("published-*.json")}):
        runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob(f"{name}.*"))]
        rows = [row for found in runs for row in found["rows"]]
        metrics = runs[0]["reference_metrics"]
        ways = sorted({_way(row) for row in rows}, key=WAYS.index) if "variant" in rows[0]["protocol"] else []
        table = _by_way(rows, metrics, ways) if len(ways) > 1 else _plain(runs, rows, metrics)
        references = {who: figures for found in runs for who, figures in found["references"].items()}
        said = rows[0]["protocol"]
        parts += [f"### {name.removeprefix('published-')}", "", *table, *_printed(references, len(ways))]
        parts += ["", f"{said['data']}, held out: {said['split']}.", ""]
        if len(ways) > 1:
            parts += _for_whom([row for row in rows if _way(row) == ways[0]])
    return "\n".join(parts).rstrip()


def recipe_table() -> str:
    """Of the tables of next items: the networks with their defaults, beside the best that is printed."""
    lines = ["| data | network | strict | refit | the best printed |", "| --- | --- | ---: | ---: | --- |"]
    for path in sorted((ROOT / "benchmarks" / "results").glob("published-*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = {(row["model"], *_way(row)): row["test"] for row in found["rows"]}
        who, figures = max(found["references"].items(), key=lambda one: one[1][-1], default=("", []))
        for network in ("sasrec", "hstu"):
            ways = [rows.get((network, variant, "excluded")) for variant in ("strict", "refit")]
            if not any(ways):
                continue
            cells = ["" if way is None else f"{way['recall@10']:.4f} / {way['ndcg@10']:.4f}" for way in ways]
            printed = f"{' / '.join(f'{figure:.4f}' for figure in figures)}, {who}"
            name = path.stem.removeprefix("published-")
            lines.append(f"| {name} | `{network}` | {cells[0]} | {cells[1]} | {printed} |")
    return "\n".join(lines)


def _for_whom(rows: list[dict[str, Any]]) -> list[str]:
    """NDCG@10 by group of people: where which model wins."""
    rows = sorted(rows, key=lambda row: -row["test"]["ndcg@10"])
    groups = [
        (group, label, part["people"])
        for group, parts in rows[0]["segments"].items()
        for label, part in parts.items()
        if group != "activity" and part["people"] >= 100
    ]
    lines = [
        "NDCG@10, strict, seen excluded, by how much is known of a person and by how popular the right answer was:",
        "",
    ]
    names = " | ".join(f"`{row['model']}`" for row in rows)
    lines += [f"| | people | {names} |", f"| --- |{' ---: |' * (len(rows) + 1)}"]
    for group, label, people in groups:
        found = [row["segments"][group][label]["ndcg@10"] for row in rows]
        cells = " | ".join(f"**{value:.4f}**" if value == max(found) else f"{value:.4f}" for value in found)
        label = f"{label} events" if group == "events known" else label
        lines.append(f"| {label} | {people:,} | {cells} |")
    return [*lines, ""]


def _plain(runs: list[dict[str, Any]], rows: list[dict[str, Any]], metrics: list[str]) -> list[str]:
    """A line for each model; "=" where it is level with the best of its own run, and that is the best of all."""
    orders = next((len(row["tie_order"]["values"]) for row in rows if row.get("tie_order")), 0)
    main = runs[0].get("main") or metrics[-1]
    further = ["fit s", f"{main} in {orders} other orders of ties"] if orders else ["fit s"]
    lines = [f"| model | {' | '.join([*metrics, *further])} |", f"| --- |{' ---: |' * (len(metrics) + len(further))}"]
    for row in rows:
        level = " =" if row.get("level_with_best") and len(runs) == 1 else ""
        cells = [*(f"{row['test'][name]:.4f}" for name in metrics), f"{row['fit_seconds']:,.1f}"]
        if orders:
            tied = row.get("tie_order")
            cells.append(f"{tied['mean']:.4f} ± {tied['half']:.4f}" if tied else "")
        lines.append(f"| `{row['model']}`{level} | {' | '.join(cells)} |")
    return lines


WAYS = [("strict", "excluded"), ("refit", "excluded"), ("strict", "included"), ("refit", "included")]


def _way(row: dict[str, Any]) -> tuple[str, str]:
    return row["protocol"].get("variant"), row["protocol"].get("seen")


def _by_way(rows: list[dict[str, Any]], metrics: list[str], ways: list[tuple[str, str]]) -> list[str]:
    """A line for each model, a column for each variant and way with seen items: the two measures side by side."""
    short = " / ".join(metrics)
    lines = [
        f"| model, {short} | {' | '.join(f'{variant}, seen {seen}' for variant, seen in ways)} | fit s (strict) |",
        f"| --- |{' ---: |' * (len(ways) + 1)}",
    ]
    best_first = sorted(rows, key=lambda row: (_way(row) != ways[0], -row["test"][metrics[-1]]))
    for model in dict.fromkeys(row["model"] for row in best_first):
        own = {_way(row): row for row in rows if row["model"] == model}
        cells = [" / ".join(f"{own[way]['test'][name]:.4f}" for name in metrics) if way in own else "" for way in ways]
        seconds = next((row["fit_seconds"] for row in own.values() if _way(row)[0] == "strict"), None)
        lines.append(f"| `{model}` | {' | '.join(cells)} | {'' if seconds is None else f'{seconds:,.1f}'} |")
    return lines


def _printed(references: dict[str, list[float]], ways: int) -> list[str]:
    """What others printed; who does not say which variant stands under the first."""
    if ways > 1:
        return [
            f"| *{who}* | {' / '.join(f'{figure:.4f}' for figure in figures)} |{' |' * ways}"
            for who, figures in references.items()
        ]
    return [
        f"| *{who}* | {' | '.join(f'{figure:.4f}' for figure in figures)} | |" for who, figures in references.items()
    ]


def speed_table() -> str:
    """Of benchmarks/results/speed.json."""
    found = _result("speed")
    libraries = [name for name in found["libraries"] if name != "foretaste"]
    own = found["libraries"]["foretaste"]
    lines = [f"| step | foretaste | {' | '.join(libraries)} |", f"| --- | ---: |{' ---: |' * len(libraries)}"]
    for step, ratios in found["times_as_long_as_foretaste"].items():
        cells = " | ".join(f"{ratios[name]:.1f}x" if name in ratios else "" for name in libraries)
        lines.append(f"| {step} | {own['seconds'][step.removesuffix(' (its batch size)')]:.2f} s | {cells} |")
    peaks = " | ".join(f"{found['libraries'][name].get('peak_mb', float('nan')):,} MB" for name in libraries)
    return "\n".join([*lines, f"| peak memory | {own['peak_mb']:,} MB | {peaks} |"])


def learning_table() -> str:
    """Of benchmarks/results/speed_training.json."""
    found = _result("speed_training")
    own = found["foretaste"]
    best = max(point["ndcg"] for point in found["curves"]["foretaste"]["curve"])
    lines = [
        "| library | epochs | seconds of one | NDCG@10 it reached | in seconds | foretaste reaches it in | as fast |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        f"| foretaste | {len(found['curves']['foretaste']['curve'])} | {own['seconds_per_epoch']:.1f} | {best:.4f} | "
        f"{next(p['seconds'] for p in found['curves']['foretaste']['curve'] if p['ndcg'] == best):,.0f} | | |",
    ]
    for name, row in found["against"].items():
        curve = found["curves"][name]
        lines.append(
            f"| {name} {curve.get('version', '')} | {len(curve['curve'])} | {row['its_seconds_per_epoch']:.0f} | "
            f"{row['its_best_ndcg']:.4f} | {row['its_seconds_to_it']:,.0f} | {row['foretaste_seconds_to_it']:.0f} s | "
            f"{row['times_as_fast']}x |"
        )
    said = (
        f"foretaste learns from {own['events_per_second']:,} events a second and does {own['gflops']:.0f} GFLOP/s, "
        f"{own['share_of_bfloat16_peak']:.0%} of what one thread reaches with bfloat16 matrices of 2048²."
    )
    return "\n".join([*lines, "", said])


def index_table() -> str:
    """Of benchmarks/results/index.json."""
    lines = [
        "| vectors | index | recall@100 | queries/s, one by one | in batches of 50 | build s | MB |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for size in _result("index")["sizes"]:
        for row in size["rows"]:
            if "refused" in row:
                lines.append(f"| {size['vectors']:,} | {row['index']} | refused: {row['refused']} | | | | |")
                continue
            build, memory = row["build_seconds"], row["memory_mb"]
            lines.append(
                f"| {size['vectors']:,} | {row['index']} | {row['recall@100']:.3f} | "
                f"{row['queries_per_second_one_by_one']:,} | {row['queries_per_second_in_batches']:,} | "
                f"{'' if build is None else f'{build:,.1f}'} | {'' if memory is None else f'{max(0, memory):,}'} |"
            )
    return "\n".join(lines)


def encoders_table() -> str:
    """Of benchmarks/results/encoders.json."""
    found = _result("encoders")
    lines = [
        "| encoder | texts | items/s | again, from the cache | encoded again | after one change |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in found["encoders"]:
        lines.append(
            f"| {row['encoder']}, {row['dtype']} | {found['texts']:,} {row['texts']} | {row['items_per_second']:,} | "
            f"{row['second_run_items_per_second']:,} | {row['encoded_in_second_run']} | "
            f"{row['encoded_after_one_change']} |"
        )
    return "\n".join(lines)


def _result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))["result"]
    return found


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
    if "--leaderboard" in sys.argv:  # it trains for a minute or two
        text = filled(text, "leaderboard", leaderboard_table())
    readme.write_text(text, encoding="utf-8")
    copy_images()
    tables = ROOT / "docs" / "benchmarks.md"
    text = filled(tables.read_text(encoding="utf-8"), "published", published_tables())
    for name, table in {
        "recipe": recipe_table,
        "speed": speed_table,
        "learning": learning_table,
        "index": index_table,
        "encoders": encoders_table,
    }.items():
        text = filled(text, name, table())
    tables.write_text(text, encoding="utf-8")
    about_data = ROOT / "docs" / "data.md"
    text = filled(about_data.read_text(encoding="utf-8"), "sources", sources_table())
    about_data.write_text(filled(text, "prepare", prepare_table()), encoding="utf-8")

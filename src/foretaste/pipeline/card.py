"""A bundle's card: what was trained on what, how good it is, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.data.checks.card_text import card_facts

if TYPE_CHECKING:
    from foretaste.pipeline.manifest import Manifest


def card(manifest: Manifest) -> str:
    """Markdown."""
    data = manifest.data
    span = f", {data.first_event} to {data.last_event}" if data.first_event else ""
    facts = card_facts(manifest.data_card) if manifest.data_card else f"- Fingerprint `{data.fingerprint}`.\n"
    recalls = "\n".join(
        f"- `{recall['model']}`, weight {recall['weight']:g}, {recall['settings'] or 'default settings'}"
        for recall in manifest.config["recalls"]
    )
    stages = "\n".join(
        f"- `{stage['stage']}`, {stage['settings'] or 'default settings'}"
        for stage in manifest.config.get("stages", ())
    )
    return f"""# {data.name}, trained {manifest.created}

Version `{manifest.version}`, foretaste {manifest.foretaste}.

## Data

{data.events:,} events of {data.users:,} people about {data.items:,} items{span}.
No name of a person is in this bundle.

{facts}
## Sources, merged by reciprocal rank

{recalls}

## Stages, between the merge and the answer

{stages or "None."}

## Measured before it was shipped

{_rows(manifest)}
## What to mind

Measured on the past of the same people; how people act on what they are shown can only be learned by showing it.
"""


def _rows(manifest: Manifest) -> str:
    rows = manifest.metrics.get("rows", [])
    if not rows:
        return "Not measured.\n"
    names = list(rows[0]["test"])
    lines = ["| model | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    lines += [
        f"| {row['model']} | " + " | ".join(f"{row['test'].get(name, float('nan')):.4f}" for name in names) + " |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"

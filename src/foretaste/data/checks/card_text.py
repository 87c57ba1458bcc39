"""A data card as Markdown, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foretaste.data.checks.card import DataCard, Spread


def card_text(card: DataCard, heading: str = "#") -> str:
    """Markdown under a heading of this depth."""
    return f"{heading} The data: {card.name}\n\n{card_facts(card)}"


def card_facts(card: DataCard) -> str:
    """The card as a list of lines; empty parts are left out."""
    span = f", {card.first_event} to {card.last_event}" if card.first_event else ", without times"
    kinds = ", ".join(f"{name} {count:,}" for name, count in card.kinds.items())
    lines = [
        f"{card.events:,} events of {card.users:,} people about {card.items:,} items{span}.",
        f"Kinds: {kinds}.",
        f"Licence: {card.licence.rstrip('.')}.",
        f"Fingerprint `{card.fingerprint}`.",
        f"Events per person: {_said(card.events_per_user)}; {card.users_with_one_event:,} people have one.",
        f"Events per item: {_said(card.events_per_item)}; {card.items_without_events:,} items have none.",
        f"The most popular tenth of the items takes {card.top_tenth_of_items:.0%} of all events "
        f"(Gini {card.gini:.2f}); density {card.density:.4%}.",
    ]
    if card.values is not None:
        lines.append(f"Values: {_said(card.values)}.")
    if card.new_users is not None and card.new_items is not None:
        lines.append(
            f"Of the newest tenth of the events, {card.new_users:.0%} are by people and {card.new_items:.0%} about "
            "items that no older event knows."
        )
    if card.items_with_words or card.items_with_pictures:
        lines.append(f"{card.items_with_words:,} items have words, {card.items_with_pictures:,} a picture.")
    lines += [f"Relation {name}: {rows:,} rows." for name, rows in card.relations.items()]
    if card.searches:
        lines.append(f"{card.searches:,} searches.")
    if card.quarantined is not None:
        lines.append(f"{card.quarantined:,} rows could not be used.")
    lines += [f"Check: {code}, {rows:,} rows." for code, rows in card.problems.items()]
    return "".join(f"- {line}\n" for line in lines)


def _said(spread: Spread) -> str:
    return f"{spread.least:g} to {spread.most:g}, median {spread.median:g}, mean {spread.mean:.2f}"

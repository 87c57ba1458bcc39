"""Writes orders.csv and books.csv: a small bookshop that never was, with column names of its own.

    python examples/make_bookshop.py

Readers keep to one or two genres, and famous books sell more. Ids are strings with
leading zeros, columns are named as a German shop system might name them, separated by semicolons.
"""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

GENRES = {
    "Crime": ("Murder", "The Silent Witness", "A Case", "The Last Clue", "Poison", "The Cold Trail"),
    "Space": ("Orbit", "The Far Station", "A Colony", "Red Dust", "The Long Jump", "Starlight"),
    "Cooking": ("Bread", "The Slow Kitchen", "A Year of Soup", "Salt", "One Pan", "Summer Fruit"),
    "History": ("Empire", "The Small Kingdom", "A Treaty", "Iron and Silk", "The Old Road", "Harbour"),
    "Poetry": ("Blue Hours", "Moss", "A Room of Rain", "Birdsong", "The Quiet Field", "Ember"),
    "Garden": ("Roses", "The Kitchen Garden", "A Hedge", "Winter Beds", "The Wild Corner", "Compost"),
}
PLACES = ("in Lisbon", "at Sea", "in the North", "on the Hill", "by the River", "at Midnight")


def main(folder: Path = Path(__file__).parent, seed: int = 7) -> None:
    draw = random.Random(seed)
    books = [
        {"Artikelnummer": f"{draw.randrange(10**9):010d}", "Titel": f"{title} {place}", "Genre": genre}
        for genre, titles in GENRES.items()
        for title in titles
        for place in PLACES
    ]
    fame = [1 / (1 + draw.randrange(12)) for _ in books]
    start = datetime(2026, 1, 5, 8, tzinfo=UTC)
    rows = []
    for reader in range(400):
        likes = draw.sample(list(GENRES), k=draw.choice((1, 1, 2)))
        weight = [f * (8 if book["Genre"] in likes else 0.25) for f, book in zip(fame, books, strict=True)]
        when = start + timedelta(minutes=draw.randrange(60 * 24 * 200))
        for _ in range(draw.randrange(3, 16)):
            book = draw.choices(books, weight)[0]
            when += timedelta(minutes=draw.randrange(5, 60 * 24 * 9))
            action = draw.choice(("view", "view", "buy"))
            rows.append((when, f"K-{reader:05d}", book["Artikelnummer"], action))
    rows.sort()
    with (folder / "orders.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, delimiter=";", lineterminator="\n")
        out.writerow(("Zeitpunkt", "Kundennummer", "Artikelnummer", "Aktion"))
        out.writerows((f"{when:%Y-%m-%d %H:%M:%S}", reader, book, action) for when, reader, book, action in rows)
    with (folder / "books.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ("Artikelnummer", "Titel", "Genre"), delimiter=";", lineterminator="\n")
        table.writeheader()
        table.writerows(books)


if __name__ == "__main__":
    main()

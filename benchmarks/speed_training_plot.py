"""Validation NDCG over seconds as SVG, one line a library; seconds logarithmic."""

from __future__ import annotations

import numpy as np

COLOURS = ("#d9622b", "#2b6cd9", "#2b9d5a", "#8a4bc2", "#777")


def plot(curves: dict[str, list[dict[str, float]]]) -> str:
    width, height, left, top, bottom = 640, 360, 56, 40, 48
    seconds = np.concatenate([[point["seconds"] for point in curve] for curve in curves.values()])
    least, most = np.log10(max(seconds.min(), 1e-3)), np.log10(seconds.max())
    highest = max(point["ndcg"] for curve in curves.values() for point in curve) * 1.05

    def x(value: float) -> float:
        return float(left + (np.log10(max(value, 1e-3)) - least) / max(most - least, 1e-9) * (width - left - 24))

    def y(value: float) -> float:
        return float(height - bottom - value / highest * (height - top - bottom))

    parts = []
    for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000):
        if least <= np.log10(tick) <= most:
            parts.append(
                f'<line x1="{x(tick):.0f}" x2="{x(tick):.0f}" y1="{top}" y2="{height - bottom}" stroke="#eee"/>'
                f'<text x="{x(tick):.0f}" y="{height - bottom + 16}" text-anchor="middle">{tick:,} s</text>'
            )
    for line in np.arange(0, highest, 0.01):
        parts.append(
            f'<line x1="{left}" x2="{width - 24}" y1="{y(line):.0f}" y2="{y(line):.0f}" stroke="#eee"/>'
            f'<text x="{left - 6}" y="{y(line) + 4:.0f}" text-anchor="end">{line:.2f}</text>'
        )
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x(point['seconds']):.1f},{y(point['ndcg']):.1f}" for point in curve)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x(p["seconds"]):.1f}" cy="{y(p["ndcg"]):.1f}" r="2.5" fill="{colour}"/>' for p in curve
        ]
        parts.append(f'<text x="{left + 10}" y="{top + 14 + 15 * number}" fill="{colour}">{name}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11"><rect width="{width}" height="{height}" fill="white"/>'
        f'<text x="{left}" y="20">SASRec on amazon-beauty: validation NDCG@10 over processor seconds of training, '
        f"one thread</text>{''.join(parts)}</svg>\n"
    )

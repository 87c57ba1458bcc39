"""Schemathesis over every operation of the service: what it may send, what it may not, and chains of both.

The tests run a little of it; `python -m benchmarks serving_fuzz` runs a thousand cases and more.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks as openapi_checks

SETTINGS = settings(
    deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], derandomize=True
)
UNSAYABLE = (openapi_checks.positive_data_acceptance,)
"""A scene nobody defined and a filter over a column nobody has are of the right form and refused all the same."""
EACH_FOR_ITSELF = ("POST /v1/events",)
"""A bad event among good ones is answered with 200 and a result of its own."""


@dataclass
class Findings:
    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def fuzz(app: Any, secret: str, examples: int, chains: int) -> Findings:
    """`examples` valid and as many invalid requests per operation, then `chains` of operations fed by one another."""
    load_all_checks()
    headers = {"Authorization": f"Bearer {secret}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=headers)
    found = Findings()

    def judge(case: Any) -> Any:
        found.cases[case.operation.label] += 1
        answer = case.call(headers=headers)
        found.statuses[answer.status_code] += 1
        excluded = list(UNSAYABLE)
        # 413 refuses a body that is too large before it is read; schemathesis does not count that as a refusal.
        if case.operation.label in EACH_FOR_ITSELF or answer.status_code == 413:
            excluded.append(openapi_checks.negative_data_rejection)
        try:
            case.validate_response(answer, headers=headers, excluded_checks=excluded)
        except BaseException as error:  # a group of failures is none of Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            told = getattr(error, "exceptions", [error])
            found.failures.append(f"{case.operation.label}: {told!r}\n{case.as_curl_command()}"[:2_000])
        return answer

    for result in schema.get_all_operations():
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            one = given(case=result.ok().as_strategy(generation_mode=mode))(judge_alone(judge))
            with suppress(Unsatisfiable):  # nothing invalid can be sent to an operation that takes nothing
                settings(SETTINGS, max_examples=examples)(one)()
    if chains:
        machine = schema.as_state_machine()

        class Chain(machine):  # type: ignore[misc, valid-type]
            def call(self, case: Any, **_: Any) -> Any:
                return judge(case)

            def validate_response(self, *_: Any, **__: Any) -> None:
                """Done by the judge."""

        Chain.run(settings=settings(SETTINGS, max_examples=chains, stateful_step_count=6))
    return found


def judge_alone(judge: Any) -> Any:
    def one(case: Any) -> None:
        judge(case)

    return one

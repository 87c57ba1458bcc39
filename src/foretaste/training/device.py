"""Where a network learns: on the processor, or on an accelerator where one is asked for."""

from __future__ import annotations

import os

import torch

from foretaste.errors import ConfigError


def device_of(name: str) -> torch.device:
    """cpu, cuda, cuda:1, mps …, or auto: an accelerator if there is one.

    Of several processes on one host each has its own: with `cuda`, the one of its LOCAL_RANK.
    """
    if name == "auto":
        name = found.type if (found := torch.accelerator.current_accelerator(check_available=True)) else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"No device is called '{name}'; say cpu, cuda, cuda:1, mps or auto.") from error
    if device.type == "cpu":
        return device
    count = torch.accelerator.device_count() if _is_here(device.type) else 0
    if device.index is None:
        device = torch.device(device.type, int(os.environ.get("LOCAL_RANK", "0")))
    if device.index >= count:
        has = "no accelerator" if not count else f"{count} of them"
        raise ConfigError(f"The device '{name}' is asked for, and torch finds {has} here; say cpu or auto.")
    return device


def _is_here(kind: str) -> bool:
    here = torch.accelerator.current_accelerator(check_available=True)
    return here is not None and here.type == kind

"""The torch device to train on, from its name."""

from __future__ import annotations

import os

import torch

from foretaste.errors import ConfigError


def device_of(name: str) -> torch.device:
    """The device called cpu, cuda, cuda:1, mps …, or auto: an accelerator if there is one, else the CPU.

    With several processes on one host, `cuda` is the device of the process's LOCAL_RANK. ConfigError for an unknown
    name or a device that is not available.
    """
    if name == "auto":
        name = (
            accelerator.type if (accelerator := torch.accelerator.current_accelerator(check_available=True)) else "cpu"
        )
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"No device is called '{name}'; use cpu, cuda, cuda:1, mps or auto.") from error
    if device.type == "cpu":
        return device
    count = torch.accelerator.device_count() if _is_available(device.type) else 0
    if device.index is None:
        device = torch.device(device.type, int(os.environ.get("LOCAL_RANK", "0")))
    if device.index >= count:
        has = "no accelerator" if not count else f"{count} of them"
        raise ConfigError(f"The device '{name}' is not available: torch finds {has} here; use cpu or auto.")
    return device


def _is_available(kind: str) -> bool:
    current = torch.accelerator.current_accelerator(check_available=True)
    return current is not None and current.type == kind

"""The law that a unit keeps cycle by cycle (docs/dataflow.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One step of a schedule that touches a stream.

    `consume` has one entry an input (beats taken), `add` and `emit` one an output: room taken in the output queue, and
    beats made visible. `need` has one entry an input, too: how many beats must be visible, counted from the oldest that
    is not taken; None means those that are consumed.
    """

    gap: int
    consume: tuple[int, ...]
    add: tuple[int, ...]
    emit: tuple[int, ...]
    need: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Schedule:
    """The law that a unit keeps, cycle by cycle.

    `events` repeat for ever; `capacity` and `remove` have one entry an output: the room in its queue, and the room
    that a leaving beat gives back; what an event emits is visible `latency` cycles later. A unit with a memory between
    its two sides is two machines: `front` takes the unit's input, and its queue is the input of this one.
    """

    events: tuple[Event, ...]
    latency: int
    capacity: tuple[int, ...]
    remove: tuple[int, ...]
    front: Schedule | None = None


def queue_depth(latency: int, cycles_between_emissions: int, burst: int = 1) -> int:
    """Room that an output queue needs for the unit to run at full rate.

    A beat's room is taken when its event takes place and is free again at the earliest `latency + 1` cycles later. With
    a `burst`, so many beats are made in successive cycles, as often as gives the same number of cycles for each.
    """
    bursts, rest = divmod(latency + 1, cycles_between_emissions * burst)
    return max(2, bursts * burst + min(rest, burst))

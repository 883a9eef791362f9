"""Schedules: the cycle-by-cycle behaviour of a unit (docs/dataflow.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One step of a schedule that touches a stream, at least `gap` cycles after the event before it.

    `consume` has the number of beats taken from each input. `add` and `emit` have, for each output, the room reserved
    in the output queue and the number of beats that become visible. `need` has, for each input, the number of beats
    that must be visible, counted from the oldest that is not taken; None means the beats consumed.
    """

    gap: int
    consume: tuple[int, ...]
    add: tuple[int, ...]
    emit: tuple[int, ...]
    need: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Schedule:
    """The cycle-by-cycle behaviour of a unit.

    `events` repeat for ever; beats that an event emits become visible `latency` cycles later. `capacity` and `remove`
    have, for each output, the room in its queue and the room that a leaving beat frees. A unit with a memory between
    its input and its output side is two machines: `front` takes the unit's input and fills the queue that this one
    reads.
    """

    events: tuple[Event, ...]
    latency: int
    capacity: tuple[int, ...]
    remove: tuple[int, ...]
    front: Schedule | None = None

    @property
    def cycles(self) -> int:
        """The least cycles from its first event until it starts again, `front` apart."""
        return sum(event.gap for event in self.events)


def queue_depth(latency: int, cycles_between_emissions: int, burst: int = 1) -> int:
    """The smallest output queue, in beats, with which the unit runs at full rate.

    An event reserves a beat's room, which is free again `latency + 1` cycles later at the earliest. With a `burst`, so
    many beats are emitted in successive cycles, at the same average rate of one every `cycles_between_emissions`.
    """
    bursts, rest = divmod(latency + 1, cycles_between_emissions * burst)
    return max(2, bursts * burst + min(rest, burst))

"""Polynomials with integer coefficients in nets that are 0 or 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

Bit = int | str
"""A net's number, or a constant "0", "1" or "x"."""
Polynomial = dict[frozenset[int], int]
"""The coefficient of each product of nets."""


class Difference(AssertionError):
    """A netlist does not keep a weighted sum, or joins nets of different delays."""


def of_bit(bit: Bit) -> Polynomial:
    if bit == "x":
        raise Difference("an undefined net")
    return {frozenset([bit]): 1} if isinstance(bit, int) else {frozenset(): 1} if bit == "1" else {}


def of_table(table: int, bits: Sequence[Bit]) -> Polynomial:
    """The polynomial of a truth table, whose index has the first bit lowest."""
    values = [table >> index & 1 for index in range(1 << len(bits))]
    for place in range(len(bits)):
        for index in range(len(values)):
            if index >> place & 1:
                values[index] -= values[index ^ 1 << place]
    result: dict[frozenset[int], int] = defaultdict(int)
    for index, value in enumerate(values):
        chosen = [bit for place, bit in enumerate(bits) if index >> place & 1]
        if value and "0" not in chosen:
            if "x" in chosen:
                raise Difference("an undefined net")
            result[frozenset(bit for bit in chosen if isinstance(bit, int))] += value
    return {nets: value for nets, value in result.items() if value}


def plus(a: Polynomial, b: Polynomial, factor: int = 1) -> Polynomial:
    result = dict(a)
    for nets, value in b.items():
        result[nets] = result.get(nets, 0) + factor * value
    return {nets: value for nets, value in result.items() if value}


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    result: dict[frozenset[int], int] = defaultdict(int)
    for left, x in a.items():
        for right, y in b.items():
            result[left | right] += x * y
    return {nets: value for nets, value in result.items() if value}


def reduced(polynomial: Polynomial, modulus: int) -> Polynomial:
    return {nets: value % modulus for nets, value in polynomial.items() if value % modulus}


def replaced(polynomial: Polynomial, bit: int, value: Polynomial, modulus: int) -> Polynomial:
    affected = {nets - {bit}: factor for nets, factor in polynomial.items() if bit in nets}
    if not affected:
        return polynomial
    result: dict[frozenset[int], int] = defaultdict(int)
    result.update({nets: factor for nets, factor in polynomial.items() if bit not in nets})
    for nets, factor in times(affected, value).items():
        result[nets] += factor
    return reduced(result, modulus)


def weighted(bits: Sequence[Bit]) -> Polynomial:
    """A number by its bits, the lowest first."""
    result: Polynomial = {}
    for place, bit in enumerate(bits):
        result = plus(result, of_bit(bit), 1 << place)
    return result


def parity(*bits: Bit) -> Polynomial:
    """The XOR of nets: a + b - 2ab, again and again."""
    result: Polynomial = {}
    for one in map(of_bit, bits):
        result = plus(plus(result, one), times(result, one), -2)
    return result


def either(a: Bit, b: Bit) -> Polynomial:
    """The OR of two nets: a + b - ab."""
    return plus(plus(of_bit(a), of_bit(b)), times(of_bit(a), of_bit(b)), -1)

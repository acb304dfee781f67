"""Who sits when, where and on which seat (编排): plain data in, a seat for everybody or what is short out.

The rules: nobody in two places; a seat holds one person and no more than there are; a sitting's kind and grades fit;
special needs sit in accessible rooms, and are seated first; nobody beside, before or behind a colleague of the same
unit; where the test is on paper, a trade and grade sit at one time, and side by side in their room.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TypeVar

from gongkao.rules.grades import Grade


class ExamKind(StrEnum):
    """How a test is taken: 人机对话 at a computer, or on paper."""

    COMPUTER = "computer"
    PAPER = "paper"

    @property
    def label(self) -> str:
        return "人机对话" if self is ExamKind.COMPUTER else "纸笔考试"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be seated; `trade` and `unit` are ids, `special` asks for an accessible room."""

    id: int
    trade: int
    grade: int
    unit: int
    special: bool = False
    kind: ExamKind = ExamKind.COMPUTER


@dataclass(frozen=True, slots=True)
class Room:
    """Seats stand in rows and columns; seat 1 is at the front left, and the numbers wind from column to column."""

    id: int
    rows: int
    columns: int
    computers: int = 0
    accessible: bool = False
    site: int = 0


@dataclass(frozen=True, slots=True)
class Sitting:
    """A time at which some grades are tested in some rooms."""

    id: int
    starts_at: datetime
    ends_at: datetime
    kind: ExamKind
    grades: frozenset[int]
    rooms: frozenset[int]


@dataclass(frozen=True, slots=True)
class Assignment:
    person: int
    sitting: int
    room: int
    seat: int


class Lacking(StrEnum):
    """What there is too little of."""

    SITTING = "sitting"
    SEATS = "seats"
    ACCESSIBLE = "accessible"
    PAPER_TOGETHER = "paper_together"
    SEPARATION = "separation"


@dataclass(frozen=True)
class Lack:
    """One thing that is short: for `people` people there are `places` places; as far as known for which of them."""

    what: Lacking
    kind: ExamKind
    people: int
    places: int
    grades: tuple[int, ...] = ()
    trade: int | None = None
    unit: int | None = None

    @property
    def missing(self) -> int:
        return max(self.people - self.places, 0)

    def text(self, trades: Mapping[int, str], units: Mapping[int, str]) -> str:
        """What is short and what to do, as a sentence; the mappings give the names."""
        grades = "、".join(Grade(grade).level for grade in self.grades)
        if self.what is Lacking.SITTING:
            return f"{grades}有{self.people}人，没有可用的{self.kind.label}场次。请增加含该等级的场次。"
        if self.what is Lacking.ACCESSIBLE:
            return (
                f"需要无障碍考场的{grades}人员有{self.people}人，{self.kind.label}的无障碍座位只有{self.places}个，"
                f"缺{self.missing}个。请增加无障碍考场或场次。"
            )
        if self.what is Lacking.SEATS:
            return (
                f"{grades}{self.kind.label}有{self.people}人，现有场次只有{self.places}个座位，缺{self.missing}个。"
                "请增加考场或场次。"
            )
        if self.what is Lacking.PAPER_TOGETHER:
            trade = trades.get(self.trade or 0, "")
            return (
                f"{trade}{grades}有{self.people}人，须在同一场次相连就座，没有哪一场次还有足够的座位"
                f"（最多的一场还剩{self.places}个）。请增加考场或场次。"
            )
        unit = units.get(self.unit or 0, "同一单位")
        return (
            f"座位总数够用，但{unit}有{self.people}人，同一单位人员不能相邻，现有场次的考场错开后排不下。"
            "请增加考场或场次。"
        )


@dataclass(frozen=True)
class Shortage:
    """Not everybody can be seated: nobody is, and this is what is short."""

    lacks: tuple[Lack, ...]


class Broken(StrEnum):
    """A rule that a seating breaks."""

    UNKNOWN = "unknown"
    UNSEATED = "unseated"
    TWICE = "twice"
    SEAT_TAKEN = "seat_taken"
    NO_SUCH_SEAT = "no_such_seat"
    KIND = "kind"
    GRADE = "grade"
    ROOM = "room"
    ROOM_TAKEN = "room_taken"
    ACCESSIBLE = "accessible"
    COLLEAGUES = "colleagues"
    PAPER_SITTING = "paper_sitting"
    PAPER_APART = "paper_apart"

    @property
    def text(self) -> str:
        return _BROKEN[self]


_BROKEN = {
    Broken.UNKNOWN: "人员、场次或考场不在本次编排范围内",
    Broken.UNSEATED: "人员没有座位",
    Broken.TWICE: "人员被安排了两次",
    Broken.SEAT_TAKEN: "座位已有人",
    Broken.NO_SUCH_SEAT: "考场没有这个座位，或该座位没有可用的计算机",
    Broken.KIND: "场次的考试形式与人员不符",
    Broken.GRADE: "场次不含人员申报的等级",
    Broken.ROOM: "该场次不使用这个考场",
    Broken.ROOM_TAKEN: "考场在同一时间已用于另一场次",
    Broken.ACCESSIBLE: "需要无障碍考场的人员不在无障碍考场",
    Broken.COLLEAGUES: "同一单位的人员座位相邻",
    Broken.PAPER_SITTING: "同一工种、等级的纸笔考试不在同一场次",
    Broken.PAPER_APART: "同一工种、等级的人员在考场内没有相连就座",
}


@dataclass(frozen=True)
class Violation:
    rule: Broken
    people: tuple[int, ...]


def usable_seats(room: Room, kind: ExamKind) -> int:
    """How many can sit: seats 1 to this number; at computers no more than work."""
    seats = room.rows * room.columns
    return min(seats, room.computers) if kind is ExamKind.COMPUTER else seats


def place_of(room: Room, seat: int) -> tuple[int, int]:
    """The (row, column) of a seat, both from 0; row 0 is the front, odd columns run from back to front."""
    column, along = divmod(seat - 1, room.rows)
    return (along if column % 2 == 0 else room.rows - 1 - along), column


def seat_at(room: Room, row: int, column: int) -> int:
    """The number of the seat in a row and column: the opposite of `place_of`."""
    return column * room.rows + (row if column % 2 == 0 else room.rows - 1 - row) + 1


def neighbours(room: Room, seat: int) -> list[int]:
    """The seats to the left and right, in front and behind."""
    row, column = place_of(room, seat)
    around = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    return [seat_at(room, r, c) for r, c in around if 0 <= r < room.rows and 0 <= c < room.columns]


def violations(
    people: Iterable[Person], rooms: Iterable[Room], sittings: Iterable[Sitting], assignments: Iterable[Assignment]
) -> list[Violation]:
    """Every rule that a seating breaks, found without regard to how it was made; empty where it is right."""
    persons = {person.id: person for person in people}
    places = {room.id: room for room in rooms}
    times = {sitting.id: sitting for sitting in sittings}
    found: list[Violation] = []
    seated: Counter[int] = Counter()
    by_room: dict[tuple[int, int], dict[int, Person]] = defaultdict(dict)
    papers: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)

    for one in assignments:
        person, room, sitting = persons.get(one.person), places.get(one.room), times.get(one.sitting)
        seated[one.person] += 1
        if person is None or room is None or sitting is None:
            found.append(Violation(Broken.UNKNOWN, (one.person,)))
            continue
        found += [Violation(rule, (person.id,)) for rule in _misfits(person, room, sitting, one.seat)]
        there = by_room[sitting.id, room.id]
        if one.seat in there:
            found.append(Violation(Broken.SEAT_TAKEN, (there[one.seat].id, person.id)))
            continue
        there[one.seat] = person
        if person.kind is ExamKind.PAPER:
            papers[person.trade, person.grade].setdefault(sitting.id, person.id)

    found += [Violation(Broken.TWICE, (number,)) for number, count in seated.items() if count > 1]
    found += [Violation(Broken.UNSEATED, (number,)) for number in persons if number not in seated]
    found += [Violation(Broken.PAPER_SITTING, tuple(one.values())) for one in papers.values() if len(one) > 1]
    for (sitting_id, room_id), there in by_room.items():
        found += _colleagues(places[room_id], there)
        if times[sitting_id].kind is ExamKind.PAPER:
            found += _apart(there)
    found += _doubled_rooms(times, by_room)
    return found


def _misfits(person: Person, room: Room, sitting: Sitting, seat: int) -> list[Broken]:
    broken = []
    if person.kind is not sitting.kind:
        broken.append(Broken.KIND)
    if person.grade not in sitting.grades:
        broken.append(Broken.GRADE)
    if room.id not in sitting.rooms:
        broken.append(Broken.ROOM)
    if not 1 <= seat <= usable_seats(room, sitting.kind):
        broken.append(Broken.NO_SUCH_SEAT)
    if person.special and not room.accessible:
        broken.append(Broken.ACCESSIBLE)
    return broken


def _colleagues(room: Room, there: Mapping[int, Person]) -> list[Violation]:
    found = []
    for seat, person in there.items():
        if not 1 <= seat <= room.rows * room.columns:
            continue
        for other in neighbours(room, seat):
            # Each pair once.
            if other > seat and other in there and there[other].unit == person.unit:
                found.append(Violation(Broken.COLLEAGUES, (person.id, there[other].id)))
    return found


def _apart(there: Mapping[int, Person]) -> list[Violation]:
    """People of a trade and grade between whom somebody of another sits."""
    found, closed, last = [], set(), None
    for _, person in sorted(there.items()):
        group = (person.trade, person.grade)
        if group != last:
            if group in closed:
                found.append(Violation(Broken.PAPER_APART, (person.id,)))
            closed.add(group)
            last = group
    return found


def _doubled_rooms(
    times: Mapping[int, Sitting], by_room: Mapping[tuple[int, int], Mapping[int, Person]]
) -> list[Violation]:
    used: dict[int, list[Sitting]] = defaultdict(list)
    for sitting_id, room_id in by_room:
        used[room_id].append(times[sitting_id])
    found = []
    for room_id, together in used.items():
        together.sort(key=lambda sitting: (sitting.starts_at, sitting.id))
        for earlier, later in pairwise(together):
            if later.starts_at < earlier.ends_at:
                ids = tuple(person.id for person in by_room[later.id, room_id].values())
                found.append(Violation(Broken.ROOM_TAKEN, ids))
    return found


def seat(
    people: Iterable[Person], rooms: Iterable[Room], sittings: Iterable[Sitting], seed: int
) -> tuple[Assignment, ...] | Shortage:
    """A seat for everybody, or what is short. The same data and seed give the same seats, in whatever order they come.

    No two sittings that use the same room may overlap in time: that is for whoever plans the sittings.
    """
    chance = random.Random(seed)
    everybody = sorted(people, key=lambda person: person.id)
    chance.shuffle(everybody)
    places = {room.id: room for room in sorted(rooms, key=lambda room: room.id)}
    times = sorted(sittings, key=lambda sitting: (sitting.starts_at, sitting.id))

    made: list[Assignment] = []
    lacks: list[Lack] = []
    methods: tuple[tuple[ExamKind, Callable[..., list[Assignment] | list[Lack]]], ...] = (
        (ExamKind.COMPUTER, _seat_at_computers),
        (ExamKind.PAPER, _seat_on_paper),
    )
    for kind, method in methods:
        mine = [person for person in everybody if person.kind is kind]
        own = [sitting for sitting in times if sitting.kind is kind]
        missing = _without_sitting(mine, own, kind)
        if missing:
            lacks += missing
            continue
        for one in method(mine, places, own, chance) if mine else ():
            if isinstance(one, Lack):
                lacks.append(one)
            else:
                made.append(one)
    if lacks:
        return Shortage(tuple(lacks))
    return tuple(sorted(made, key=lambda one: (one.sitting, one.room, one.seat)))


def _without_sitting(people: Sequence[Person], sittings: Sequence[Sitting], kind: ExamKind) -> list[Lack]:
    counts = Counter(person.grade for person in people)
    held = {grade for sitting in sittings for grade in sitting.grades}
    return [
        Lack(Lacking.SITTING, kind, count, 0, (grade,)) for grade, count in sorted(counts.items()) if grade not in held
    ]


# Computers: how many of each grade go to which sitting is a flow; then units are dealt out over the rooms, and within a
# room over the black and white fields of a chessboard, of which no two of one colour touch.

_Bin = tuple[int, bool]
_Class = tuple[int, bool]


def _seat_at_computers(
    people: Sequence[Person], rooms: Mapping[int, Room], sittings: Sequence[Sitting], chance: random.Random
) -> list[Assignment] | list[Lack]:
    capacity: dict[_Bin, int] = {}
    for place, sitting in enumerate(sittings):
        for accessible in (False, True):
            used = [room for room in rooms.values() if room.id in sitting.rooms and room.accessible is accessible]
            capacity[place, accessible] = sum(usable_seats(room, ExamKind.COMPUTER) for room in used)
    demand = Counter((person.grade, person.special) for person in people)
    lacks = _capacity_lacks(demand, capacity, sittings)
    if lacks:
        return lacks
    crowded: int | None = None
    # First as few rooms as will do; where colleagues come too near each other, all rooms filled alike.
    for even in (False, True):
        bounds = _even_bounds(demand, capacity, sittings) if even else capacity
        flow = _flow(demand, bounds, sittings)
        made, crowded = _deal(people, flow, rooms, sittings, even, chance)
        if crowded is None:
            return made
    colleagues = sum(person.unit == crowded for person in people)
    return [Lack(Lacking.SEPARATION, ExamKind.COMPUTER, colleagues, 0, unit=crowded)]


def _flow(
    demand: Mapping[_Class, int], capacity: Mapping[_Bin, int], sittings: Sequence[Sitting]
) -> dict[_Class, dict[_Bin, int]]:
    """How many of each class go to which bin: as many as possible, special needs first, early sittings first."""
    flow: dict[_Class, dict[_Bin, int]] = {one: {} for one in demand}
    left = dict(capacity)
    # Plain rooms before accessible ones, which are kept for those who need them.
    ways = {
        one: [
            target
            for target in sorted(capacity, key=lambda target: (target[0], target[1]))
            if one[0] in sittings[target[0]].grades and (target[1] or not one[1])
        ]
        for one in demand
    }
    for source in sorted(demand, key=lambda one: (not one[1], one[0])):
        need = demand[source]
        while need:
            path = _augmenting_path(source, ways, flow, left)
            if path is None:
                break
            moved = min(need, left[path[-1][1]], *(flow[one][target] for one, target in _taken_back(path)))
            for one, target in _taken_back(path):
                flow[one][target] -= moved
            for one, target in path:
                flow[one][target] = flow[one].get(target, 0) + moved
            left[path[-1][1]] -= moved
            need -= moved
    return flow


def _taken_back(path: Sequence[tuple[_Class, _Bin]]) -> list[tuple[_Class, _Bin]]:
    """What a path through other classes takes from them: each gives up the bin in which the one before it comes."""
    return [(later[0], earlier[1]) for earlier, later in pairwise(path)]


def _augmenting_path(
    source: _Class,
    ways: Mapping[_Class, Sequence[_Bin]],
    flow: Mapping[_Class, Mapping[_Bin, int]],
    left: Mapping[_Bin, int],
) -> list[tuple[_Class, _Bin]] | None:
    """The shortest way to a bin with room, moving others on where needed: (class, the bin it is put in) in turn."""
    before: dict[_Bin, tuple[_Class, _Bin | None]] = {}
    queue: deque[tuple[_Class, _Bin | None]] = deque([(source, None)])
    seen = {source}
    while queue:
        one, given_up = queue.popleft()
        for target in ways[one]:
            if target in before:
                continue
            before[target] = (one, given_up)
            if left[target]:
                path: list[tuple[_Class, _Bin]] = []
                step: _Bin | None = target
                while step is not None:
                    holder, previous = before[step]
                    path.append((holder, step))
                    step = previous
                return path[::-1]
            for other in flow:
                if other not in seen and flow[other].get(target):
                    seen.add(other)
                    queue.append((other, target))
    return None


def _capacity_lacks(
    demand: Mapping[_Class, int], capacity: Mapping[_Bin, int], sittings: Sequence[Sitting]
) -> list[Lack]:
    """Which grades find too few seats, whatever is done; special needs are looked at by themselves first."""
    special = {one: count for one, count in demand.items() if one[1]}
    for group, what in ((special, Lacking.ACCESSIBLE), (dict(demand), Lacking.SEATS)):
        flow = _flow(group, capacity, sittings)
        short = {one for one, count in group.items() if sum(flow[one].values()) < count}
        if not short:
            continue
        # All who share the short ones' seats are short together: the minimum cut.
        bins: set[_Bin] = set()
        while True:
            bins = {
                target for target in capacity for grade, needs in short
                if grade in sittings[target[0]].grades and (target[1] or not needs)
            }  # fmt: skip
            wider = short | {one for one in group if any(flow[one].get(target) for target in bins)}
            if wider == short:
                break
            short = wider
        people = sum(group[one] for one in short)
        places = sum(capacity[target] for target in bins)
        return [Lack(what, ExamKind.COMPUTER, people, places, tuple(sorted({grade for grade, _ in short})))]
    return []


def _even_bounds(
    demand: Mapping[_Class, int], capacity: Mapping[_Bin, int], sittings: Sequence[Sitting]
) -> dict[_Bin, int]:
    """The bins' capacities scaled down as far as everybody still fits."""
    low, high = 0, 100
    while low < high:
        percent = (low + high) // 2
        bounds = {target: -(-count * percent // 100) for target, count in capacity.items()}
        flow = _flow(demand, bounds, sittings)
        if sum(sum(one.values()) for one in flow.values()) == sum(demand.values()):
            high = percent
        else:
            low = percent + 1
    return {target: -(-count * high // 100) for target, count in capacity.items()}


def _deal(
    people: Sequence[Person],
    flow: Mapping[_Class, Mapping[_Bin, int]],
    rooms: Mapping[int, Room],
    sittings: Sequence[Sitting],
    even: bool,
    chance: random.Random,
) -> tuple[list[Assignment], int | None]:
    """Seat people as the flow says; or the unit whose people come too near each other."""
    by_class: dict[_Class, list[Person]] = defaultdict(list)
    for person in people:
        by_class[person.grade, person.special].append(person)
    binned: dict[_Bin, list[Person]] = defaultdict(list)
    for one in sorted(by_class):
        # A unit's people one after another, dealt out over the bins in turn, so that each bin has its share of them.
        mine = [person for unit in _by_unit(by_class[one]) for person in unit]
        for person, target in zip(mine, _evenly(flow[one]), strict=True):
            binned[target].append(person)
    made: list[Assignment] = []
    for target in sorted(binned):
        sitting = sittings[target[0]]
        used = [room for room in rooms.values() if room.id in sitting.rooms and room.accessible is target[1]]
        shares, crowded = _share_out(binned[target], used, even)
        if crowded is not None:
            return [], crowded
        for room, mine in shares:
            seats = _on_chessboard(mine, room, chance)
            if seats is None:
                return [], _by_unit(mine)[0][0].unit
            made += [Assignment(person.id, sitting.id, room.id, number) for number, person in seats.items()]
    return made, None


def _by_unit(people: Iterable[Person]) -> list[list[Person]]:
    """People by unit, the unit with most first; among equals in the order in which they come."""
    units: dict[int, list[Person]] = defaultdict(list)
    for person in people:
        units[person.unit].append(person)
    return sorted(units.values(), key=len, reverse=True)


_Key = TypeVar("_Key", bound=Hashable)


def _evenly(quotas: Mapping[_Key, int]) -> list[_Key]:
    """Each key as often as its quota, spread as evenly as it goes."""
    marks = [((2 * turn + 1) / (2 * count), place, key) for place, (key, count) in enumerate(quotas.items())
             for turn in range(count)]  # fmt: skip
    return [key for _, _, key in sorted(marks, key=lambda mark: mark[:2])]


def _share_out(
    people: Sequence[Person], rooms: Sequence[Room], even: bool
) -> tuple[list[tuple[Room, list[Person]]], int | None]:
    """Who sits in which of the rooms, with at most half of a room's seats to one unit; or a unit that cannot be put."""
    units = _by_unit(people)
    sizes = [usable_seats(room, ExamKind.COMPUTER) for room in rooms]
    total, needed = sum(sizes), len(people)
    quotas = []
    if even:
        quotas = [needed * size // total for size in sizes]
        for place in sorted(range(len(rooms)), key=lambda place: sizes[place] - quotas[place], reverse=True):
            if sum(quotas) == needed:
                break
            quotas[place] += quotas[place] < sizes[place]
    else:
        for size in sizes:
            quotas.append(min(size, needed - sum(quotas)))
    halves = [(size + 1) // 2 for size in sizes]
    shares: list[list[Person]] = [[] for _ in rooms]
    counts: list[Counter[int]] = [Counter() for _ in rooms]
    heap = [(-1.0, place) for place in range(len(rooms)) if quotas[place]]
    heapify(heap)
    for unit in units:
        number = unit[0].unit
        waiting = list(unit)
        while waiting:
            aside, before = [], len(waiting)
            # One round: the emptiest rooms first, at most one of the unit to each.
            while heap and waiting:
                entry = heappop(heap)
                place = entry[1]
                if counts[place][number] < halves[place]:
                    shares[place].append(waiting.pop())
                    counts[place][number] += 1
                    entry = (len(shares[place]) / quotas[place] - 1, place)
                if len(shares[place]) < quotas[place]:
                    aside.append(entry)
            for entry in aside:
                heappush(heap, entry)
            if len(waiting) == before:
                if not _swap_in(waiting[-1], shares, counts, quotas, halves):
                    return [], number
                waiting.pop()
                heap = [entry for entry in heap if len(shares[entry[1]]) < quotas[entry[1]]]
                heapify(heap)
    return list(zip(rooms, shares, strict=True)), None


def _swap_in(
    person: Person,
    shares: Sequence[list[Person]],
    counts: Sequence[Counter[int]],
    quotas: Sequence[int],
    halves: Sequence[int],
) -> bool:
    """Put somebody where the own unit still may sit, and move one of another unit from there to a free seat."""
    free = [place for place in range(len(shares)) if len(shares[place]) < quotas[place]]
    for place, share in enumerate(shares):
        if counts[place][person.unit] >= halves[place] or place in free:
            continue
        for index, other in enumerate(share):
            for target in free:
                if other.unit != person.unit and counts[target][other.unit] < halves[target]:
                    shares[target].append(other)
                    counts[target][other.unit] += 1
                    counts[place][other.unit] -= 1
                    share[index] = person
                    counts[place][person.unit] += 1
                    return True
    return False


def _on_chessboard(people: Sequence[Person], room: Room, chance: random.Random) -> dict[int, Person] | None:
    """Seats for the people of one room, so that no colleagues touch; None where none is found.

    Each unit has one colour of the board, as far as the numbers allow; one unit may have both, at opposite ends.
    """
    units = _by_unit(people)

    def along(number: int) -> tuple[int, int]:
        row, column = place_of(room, number)
        return (row, column) if room.rows > room.columns else (column, row)

    # Seats from one end of the room to the other; neighbours differ in colour.
    fields: tuple[list[int], list[int]] = ([], [])
    for number in sorted(range(1, usable_seats(room, ExamKind.COMPUTER) + 1), key=along):
        fields[sum(along(number)) % 2].append(number)
    black, white = fields if len(fields[0]) >= len(fields[1]) else fields[::-1]
    least, most = len(people) - len(white), len(black)
    chosen = _subset(units, least, most)
    if chosen is not None:
        on_black, on_white = _parted(units, chosen)
        return _strew(on_black, black, chance) | _strew(on_white, white, chance)
    for place in range(len(units) - 1, -1, -1):
        split, others = units[place], units[:place] + units[place + 1 :]
        for size in range(most, max(least - len(split), 0) - 1, -1):
            chosen = _subset(others, size, size)
            if chosen is None:
                continue
            on_black, on_white = _parted(others, chosen)
            first = min(len(black) - size, len(split))
            free = len(white) - len(split) + first
            if len(on_white) > free:
                continue
            ends = black[:first], white[free:]
            if any(number in ends[1] for one in ends[0] for number in neighbours(room, one)):
                continue
            made = dict(zip((*ends[0], *ends[1]), split, strict=True))
            return made | _strew(on_black, black[first:], chance) | _strew(on_white, white[:free], chance)
    return None


def _parted(units: Sequence[Sequence[Person]], chosen: Container[int]) -> tuple[list[Person], list[Person]]:
    """The people of the chosen units, by their places, and those of the others."""
    inside = [person for place, unit in enumerate(units) if place in chosen for person in unit]
    return inside, [person for place, unit in enumerate(units) if place not in chosen for person in unit]


def _strew(people: Sequence[Person], seats: Sequence[int], chance: random.Random) -> dict[int, Person]:
    """People on the first of the seats, in any order."""
    used = list(seats[: len(people)])
    chance.shuffle(used)
    return dict(zip(used, people, strict=True))


def _subset(units: Sequence[Sequence[Person]], least: int, most: int) -> set[int] | None:
    """Units of together at least `least` and at most `most` people, by their places; None where there are no such."""
    # Bit n of reached[k]: the first k units hold a subset of n people.
    reached = [1]
    for unit in units:
        reached.append(reached[-1] | reached[-1] << len(unit))
    wanted = next((size for size in range(most, max(least, 0) - 1, -1) if reached[-1] >> size & 1), None)
    if wanted is None:
        return None
    chosen = set()
    for place in range(len(units) - 1, -1, -1):
        if not reached[place] >> wanted & 1:
            chosen.add(place)
            wanted -= len(units[place])
    return chosen


# Paper: a trade and grade has one paper, so it sits at one time; in a room it takes the next seats in their order, and
# leaves empty those on which nobody of it may sit.


class _PaperRoom:
    """A room of a sitting as it fills, seat after seat."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.seats = usable_seats(room, ExamKind.PAPER)
        self.next = 1
        self.taken: dict[int, Person] = {}

    @property
    def left(self) -> int:
        return self.seats - self.next + 1

    def mark(self) -> tuple[int, set[int]]:
        return self.next, set(self.taken)

    def back_to(self, mark: tuple[int, set[int]]) -> None:
        self.next = mark[0]
        self.taken = {number: person for number, person in self.taken.items() if number in mark[1]}

    def pour(self, people: Sequence[Person]) -> list[Person]:
        """Seat people of one trade and grade from the next seat on; who finds none comes back."""
        units = _by_unit(people)
        while units and self.next <= self.seats:
            around = {self.taken[one].unit for one in neighbours(self.room, self.next) if one in self.taken}
            unit = next((unit for unit in units if unit[0].unit not in around), None)
            if unit is not None:
                self.taken[self.next] = unit.pop()
                units = sorted((one for one in units if one), key=len, reverse=True)
            self.next += 1
        return [person for unit in units for person in unit]


def _seat_on_paper(
    people: Sequence[Person], rooms: Mapping[int, Room], sittings: Sequence[Sitting], _chance: random.Random
) -> list[Assignment] | list[Lack]:
    groups: dict[tuple[int, int], list[Person]] = defaultdict(list)
    for person in people:
        groups[person.trade, person.grade].append(person)
    halls = {
        sitting.id: [_PaperRoom(room) for room in rooms.values() if room.id in sitting.rooms] for sitting in sittings
    }
    lacks = []
    # Those with special needs first, then the large ones.
    order = sorted(groups, key=lambda key: (-sum(one.special for one in groups[key]), -len(groups[key]), key))
    for key in order:
        group = groups[key]
        able = [sitting for sitting in sittings if key[1] in sitting.grades]
        if not any(_put_group(group, halls[sitting.id]) for sitting in able):
            lacks.append(_paper_lack(key, group, [halls[sitting.id] for sitting in able]))
    if lacks:
        return lacks
    return [
        Assignment(person.id, sitting_id, hall.room.id, number)
        for sitting_id, opened in halls.items()
        for hall in opened
        for number, person in hall.taken.items()
    ]


def _paper_lack(key: tuple[int, int], group: Sequence[Person], halls: Sequence[Sequence[_PaperRoom]]) -> Lack:
    special = sum(person.special for person in group)
    accessible = max(sum(hall.left for hall in opened if hall.room.accessible) for opened in halls)
    if special > accessible:
        return Lack(Lacking.ACCESSIBLE, ExamKind.PAPER, special, accessible, (key[1],))
    left = max(sum(hall.left for hall in opened) for opened in halls)
    unit = _by_unit(group)[0]
    if left >= len(group) and len(unit) * 2 > len(group):
        return Lack(Lacking.SEPARATION, ExamKind.PAPER, len(unit), left, (key[1],), key[0], unit[0].unit)
    return Lack(Lacking.PAPER_TOGETHER, ExamKind.PAPER, len(group), left, (key[1],), key[0])


def _put_group(group: Sequence[Person], halls: Sequence[_PaperRoom]) -> bool:
    """Seat a whole trade and grade in one sitting: in one room where one is large enough; nobody where not all fit."""
    special = any(person.special for person in group)
    fitting = sorted(
        (hall for hall in halls if hall.left >= len(group) and (hall.room.accessible or not special)),
        key=lambda hall: (hall.room.accessible, hall.left, hall.room.id),
    )
    for hall in fitting:
        before = hall.mark()
        if not hall.pour(group):
            return True
        hall.back_to(before)
    marks = [hall.mark() for hall in halls]
    rest = [person for person in group if person.special]
    for hall in _widest(hall for hall in halls if hall.room.accessible):
        rest = hall.pour(rest)
    if not rest:
        rest = [person for person in group if not person.special]
        for hall in _widest(halls):
            rest = hall.pour(rest)
        if not rest:
            return True
    for hall, mark in zip(halls, marks, strict=True):
        hall.back_to(mark)
    return False


def _widest(halls: Iterable[_PaperRoom]) -> list[_PaperRoom]:
    return sorted(halls, key=lambda hall: (-hall.left, hall.room.id))

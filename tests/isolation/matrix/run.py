"""Runs a route's cells, many on one world, and then the controls with the same requests."""

from collections.abc import Iterable, Sequence

from tests.isolation.matrix import oracles
from tests.isolation.matrix.attempts import Found, Unprepared, attempt, foreign, prepare
from tests.isolation.matrix.cells import Cell, Depth, cells_of
from tests.isolation.matrix.controls import Control, controls_of
from tests.isolation.matrix.report import Report
from tests.isolation.matrix.requests import Underivable
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.stage import Stage
from tests.isolation.matrix.world import World

_AT_ONCE = 8  # worlds made together
_COUNTED_BATCH = 5  # attempts on one account that public routes' limits allow
_MOST_NAMED = 12  # of a thorough attack: owners, admins, tokens and keys of A may each be several


async def attack(stage: Stage, routes: Iterable[LiveRoute], depth: Depth, *, thorough: bool = True) -> Report:
    """Attack each route and sum up the reports."""
    return Report.of([await RouteAttack(stage, route, depth, thorough=thorough).run() for route in routes])


class RouteAttack:
    """The attack on one route. It finds every problem or, if not ``thorough``, stops early at the first."""

    def __init__(self, stage: Stage, route: LiveRoute, depth: Depth, *, thorough: bool = True) -> None:
        self.stage = stage
        self.route = route
        self.thorough = thorough
        self.cells: tuple[Cell, ...] = ()
        self.underivable: Underivable | None = None
        try:
            self.cells = cells_of(route, depth)
        except Underivable as missing:  # reported with the route; the other routes are attacked
            self.underivable = missing
        self.found = Found()
        self.rows_changed: list[str] = []
        self.ran: set[Cell] = set()
        self.controls = controls_of(self.cells)
        self.passed = 0
        self._worlds: list[World] = []
        self._used = 0

    async def run(self) -> Report:
        """Run every cell and every control."""
        begun = self.stage.attempts
        self.stage.listen()
        try:
            self._check_covered()
            await self._attacks()
            if not self._settled:
                await self._controls()
        except (Underivable, Unprepared) as missing:
            self.found.failures.append(f"{self.route.name}: {missing}")
        return Report(
            routes=1,
            routes_attacked=int(bool(self.cells) and len(self.ran) == len(self.cells)),
            cells=len(self.cells),
            cells_run=len(self.ran),
            attempts=self.stage.attempts - begun,
            controls=len(self.controls),
            controls_passed=self.passed,
            leaks=tuple(dict.fromkeys(self.found.leaks)),
            rows_changed=tuple(dict.fromkeys(self.rows_changed)),
            failures=tuple(dict.fromkeys(self.found.failures)),
        )

    @property
    def _settled(self) -> bool:
        """Whether enough was found."""
        return not self.thorough and bool(self.found.leaks or self.found.failures or self.rows_changed)

    def _check_covered(self) -> None:
        if self.underivable is not None:
            raise self.underivable
        if self.route.guard is None and not self.route.public:
            raise Underivable("neither guarded nor declared public")

    async def _attacks(self) -> None:
        plain = [cell for cell in self.cells if not cell.position.after_control]
        size = len(plain) if self.route.guard is not None or self.route.safe else _COUNTED_BATCH
        batches = [plain[at : at + size] for at in range(0, len(plain), size)]
        for batch in [*batches, *([cell] for cell in self.cells if cell.position.after_control)]:
            if not self._settled:
                await self._batch(batch)

    async def _batch(self, cells: Sequence[Cell]) -> None:
        """Run cells on one world; if its B changed, find the responsible cells on new worlds."""
        tables, doubtful = await self._on_fresh(cells, self.found)
        for cell in doubtful:
            if not self._settled:
                await self._on_fresh([cell], self.found)
        if tables and not self.thorough:
            self.rows_changed.append(f"{self.route.name}, one of {len(cells)} cells: {', '.join(tables)}")
        elif tables:
            culprits = await self._responsible(cells) or [f"{self.route.name}, several cells together"]
            self.rows_changed += [f"{name}: {', '.join(tables)}" for name in culprits[:_MOST_NAMED]]

    async def _on_fresh(self, cells: Sequence[Cell], found: Found) -> tuple[list[str], list[Cell]]:
        """Run cells on a fresh world; return which of B's tables changed, and the cells to rerun alone.

        An earlier cell may have removed a requirement of a later one of the same caller, such as a membership.
        """
        world, doubtful = await self._fresh(), []
        if cells[0].position.after_control:
            await prepare(self.stage, world, cells[0])
        await foreign(self.stage, world, self.route)
        before = await oracles.fingerprint(self.stage.engine, world)
        newest = await oracles.newest_job(self.stage.engine)
        for cell in cells:
            shown = await attempt(self.stage, world, cell)
            self.ran.add(cell)
            found.leaks += shown.leaks
            if shown.failures and len(cells) > 1:
                doubtful.append(cell)
            else:
                found.failures += shown.failures
        mails = await oracles.mails_since(self.stage.engine, newest, world)
        found.leaks += [f"{self.route.name}: {mail}" for mail in mails]
        return oracles.changed(before, await oracles.fingerprint(self.stage.engine, world)), doubtful

    async def _responsible(self, cells: Sequence[Cell]) -> list[str]:
        """Bisect to the single cells that change B's rows."""
        tables, _ = await self._on_fresh(cells, Found())
        if not tables:
            return []
        if len(cells) == 1:
            return [cells[0].name]
        middle = len(cells) // 2
        first = await self._responsible(cells[:middle])
        return first if len(first) >= _MOST_NAMED else [*first, *await self._responsible(cells[middle:])]

    async def _controls(self) -> None:
        world = None
        for control in self.controls:
            if world is None or not self.route.safe:
                world = await self._fresh()
            await foreign(self.stage, world, self.route)
            await self._control(control, world)

    async def _control(self, control: Control, world: World) -> None:
        request = await control.request(self.stage, world)
        self.stage.log.take()
        answer = await self.stage.send(request)
        secrets = [found for found in oracles.logged(self.stage.log.take(), world) if found.startswith("insula_")]
        self.found.leaks += [f"{control.name}: {secret} in the log" for secret in secrets]
        if control.passed_by(answer):
            self.passed += 1
        else:
            self.found.failures.append(f"{control.name}: {answer.status} {answer.text[:200]}, not success")

    async def _fresh(self) -> World:
        """Return an unused world."""
        if not self._worlds:
            following = sum(cell.position.after_control for cell in self.cells)
            needed = 2 if self.route.safe else 1 + following + len(self.controls)
            self._worlds = await self.stage.worlds(self.route, min(_AT_ONCE, max(1, needed - self._used)))
        self._used += 1
        return self._worlds.pop()

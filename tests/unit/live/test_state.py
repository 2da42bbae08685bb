"""What a live query reads next."""

from collections.abc import Callable
from typing import Any

import pytest

from pocketbase_core.live.plan import MAX_IDS, PAGE_SIZE
from pocketbase_core.live.state import (
    CHECK_COST,
    CHECK_EVERY,
    MAX_RETRY_DELAY,
    MIN_INTERVAL,
    ORDER_COST,
    Action,
    LiveState,
    ReadAll,
    ReadChanges,
    ReadOrder,
    ReadRecords,
    Wait,
)


def approx(seconds: Any) -> Any:
    """Return what equals a number of seconds, or several, but for rounding."""
    return pytest.approx(seconds)  # pyright: ignore[reportUnknownMemberType] - partly untyped


class Story:
    """A live query in a time that the test sets."""

    def __init__(self, *, asks_by_id: bool = True) -> None:
        self.state = LiveState(asks_by_id=asks_by_id)
        self.now = 100.0
        self.length = 3
        self.order_is_certain = True
        self.can_read_changes = False

    def next(self) -> Action:
        return self.state.next_action(
            self.now,
            length=self.length,
            order_is_certain=self.order_is_certain,
            can_read_changes=self.can_read_changes,
        )

    def wait(self) -> float:
        """Return how long the state waits."""
        action = self.next()
        assert isinstance(action, Wait)
        return action.until - self.now

    def do(self, action: Action | None = None, duration: float = 0.0) -> Action:
        """Perform the next action, or this one. It takes this many seconds."""
        action = action or self.next()
        assert not isinstance(action, Wait)
        self.state.begin(action)
        began_at, self.now = self.now, self.now + duration
        self.state.succeed(action, began_at, self.now)
        return action

    def event(self, *ids: str, created: bool = False) -> None:
        for each in ids:
            self.state.note_event(each, self.now, created=created)


@pytest.fixture
def story() -> Story:
    """A live query that has just read its list."""
    story = Story()
    assert story.do() == ReadAll()
    story.now += MIN_INTERVAL
    return story


def records(*ids: str, created: str = "") -> ReadRecords:
    return ReadRecords(ids, frozenset(created))


def test_the_whole_list_is_read_at_first_and_is_current_then() -> None:
    story = Story()
    assert not story.state.is_current
    assert story.next() == ReadAll()
    story.do()
    assert story.state.is_current
    assert isinstance(story.next(), Wait)


def test_a_burst_of_events_becomes_one_request_in_the_order_of_the_events(story: Story) -> None:
    story.event("b", "a", "b")
    assert story.do() == records("b", "a")
    assert isinstance(story.next(), Wait)
    assert story.state.is_current, "changes that are on their way do not count"


def test_an_action_names_the_records_that_were_created(story: Story) -> None:
    story.event("a")
    story.event("b", created=True)
    story.event("b", "c")
    assert story.next() == records("a", "b", "c", created="b")


def test_an_event_during_a_request_is_not_covered_by_its_result(story: Story) -> None:
    story.event("a")
    story.state.begin(records("a"))
    story.event("a", "b")
    story.state.succeed(records("a"), story.now, story.now)
    story.now += MIN_INTERVAL
    assert story.do() == records("a", "b")
    story.state.note_unknown(story.now)
    story.state.begin(ReadAll())
    story.event("c")
    story.state.succeed(ReadAll(), story.now, story.now)
    story.now += MIN_INTERVAL
    assert story.do() == records("c")


def test_more_ids_than_one_request_can_name_take_several(story: Story) -> None:
    story.length = PAGE_SIZE
    story.next()
    ids = [f"i{number}" for number in range(MAX_IDS + 1)]
    story.event(*ids)
    assert story.do() == records(*ids[:MAX_IDS])
    story.now += MIN_INTERVAL
    assert story.do() == records(ids[-1])


@pytest.mark.parametrize(("length", "kept"), [(0, MAX_IDS), (PAGE_SIZE - 1, MAX_IDS), (3 * PAGE_SIZE, 4 * MAX_IDS)])
def test_of_ids_that_are_more_requests_than_the_list_is_everything_is_read(
    story: Story, length: int, kept: int
) -> None:
    story.length = length
    story.next()
    ids = [f"i{number}" for number in range(kept)]
    story.event(*ids)
    assert story.next() == records(*ids[:MAX_IDS])
    story.event("one more")
    assert story.next() == ReadAll()
    story.event("another")
    assert story.do() == ReadAll()
    story.now += MIN_INTERVAL
    story.event("later")
    assert story.next() == records("later")


@pytest.mark.parametrize("record_id", ["", "a\\b", "a\0", "x" * 61, "ä" * 31])
def test_an_id_that_a_filter_cannot_contain_has_everything_read(story: Story, record_id: str) -> None:
    story.event("a", record_id)
    assert story.do() == ReadAll()
    story.now += MIN_INTERVAL
    story.event("x" * 60, "ä" * 30, "\ud800")
    assert story.next() == records("x" * 60, "ä" * 30, "\ud800")


def test_a_list_with_a_limit_is_read_whole_after_each_event() -> None:
    story = Story(asks_by_id=False)
    story.do()
    story.now += MIN_INTERVAL
    story.event("a")
    assert story.next() == ReadAll()


def test_items_that_show_a_changed_record_are_read(story: Story) -> None:
    story.state.note_related(["a", "b"], story.now)
    assert story.next() == records("a", "b")
    story.state.note_related([("a", 2)], story.now)
    assert story.next() == ReadAll(), "a filter cannot tell rows of one id apart"


def test_a_change_of_unknown_records_replaces_all_ids(story: Story) -> None:
    story.event("a")
    story.state.note_unknown(story.now)
    assert story.do() == ReadAll()
    assert isinstance(story.next(), Wait)


def test_the_ids_are_read_in_order_after_everything_else(story: Story) -> None:
    story.order_is_certain = False
    assert story.next() == ReadOrder()
    story.event("a")
    assert story.do() == records("a")
    story.now += MIN_INTERVAL
    assert story.next() == ReadOrder()
    story.state.note_unknown(story.now)
    assert story.next() == ReadAll()
    story.do()
    story.now += CHECK_EVERY
    assert story.next() == ReadAll(), "a check comes with the order, at least of a short list"


def test_after_a_loss_the_list_is_not_current_until_everything_was_read_after_the_gap(story: Story) -> None:
    story.state.note_loss(story.now)
    assert not story.state.is_current
    assert isinstance(story.next(), Wait), "the server is perhaps down"
    story.do(ReadAll())
    assert not story.state.is_current, "events are still missing"
    story.now += MIN_INTERVAL
    story.state.note_gap(story.now)
    assert not story.state.is_current
    assert story.do() == ReadAll()
    assert story.state.is_current


def test_a_gap_while_everything_is_being_read_has_it_read_again_before_the_list_is_current(story: Story) -> None:
    story.state.note_unknown(story.now)
    story.state.begin(ReadAll())
    story.state.note_gap(story.now)
    story.state.succeed(ReadAll(), story.now, story.now)
    assert not story.state.is_current
    story.now += MIN_INTERVAL
    assert story.next() == ReadAll()
    story.state.begin(ReadAll())
    assert not story.state.is_current, "the reading after the gap has only begun"
    story.state.succeed(ReadAll(), story.now, story.now)
    assert story.state.is_current


def test_another_user_has_everything_read(story: Story) -> None:
    story.event("a")
    story.state.note_other_user(story.now)
    assert not story.state.is_current
    assert story.do() == ReadAll()
    assert story.state.is_current


def test_reading_some_records_does_not_make_a_list_current(story: Story) -> None:
    story.state.fail(story.now, 0.0)
    story.state.begin(ReadAll())
    story.event("a")
    story.state.succeed(records("a"), story.now, story.now)
    assert not story.state.is_current


def test_after_a_failure_everything_is_read_after_a_delay_that_grows_and_ends_with_a_success(story: Story) -> None:
    story.event("a")
    delays: list[float] = []
    for _ in range(8):
        story.state.begin(ReadAll())
        story.state.fail(story.now, 1.0)
        assert not story.state.is_current
        delays.append(story.wait())
        story.now += delays[-1]
        assert story.next() == ReadAll()
    assert delays == approx([1, 2, 4, 8, 16, MAX_RETRY_DELAY, MAX_RETRY_DELAY, MAX_RETRY_DELAY])
    story.do()
    story.state.fail(story.now, 1.0)
    assert story.wait() == approx(1)
    story.event("a")
    assert story.wait() == approx(1), "an event does not shorten the delay"


def test_a_gap_ends_the_delay_after_a_failure_because_the_server_responds_again(story: Story) -> None:
    for _ in range(6):
        story.state.fail(story.now, 1.0)
    story.now += 5
    assert story.wait() == approx(MAX_RETRY_DELAY - 5)
    story.state.note_gap(story.now)
    assert story.next() == ReadAll()
    story.state.fail(story.now, 1.0)
    assert story.wait() == approx(1)
    story.now += 1
    story.do(duration=2.0)
    story.state.note_gap(story.now)
    assert story.wait() == approx(2), "the distance between requests stays"


def test_a_failure_is_never_repeated_at_once(story: Story) -> None:
    story.state.fail(story.now, 0.0)
    assert story.wait() == approx(MIN_INTERVAL)


def test_everything_is_read_again_after_a_quiet_time_that_doubles_up_to_its_limit(story: Story) -> None:
    story.event("a")
    story.do()
    waits: list[float] = []
    for _ in range(8):
        waits.append(story.wait())
        story.now += waits[-1]
        assert story.do() == ReadAll()
    assert waits == approx([1, 2, 4, 8, 16, CHECK_EVERY, CHECK_EVERY, CHECK_EVERY])
    story.event("a")
    story.now += MIN_INTERVAL
    story.do()
    assert story.wait() == approx(1 - MIN_INTERVAL)


NOTES: list[Callable[[Story], None]] = [
    lambda story: story.state.note_event("a", story.now, created=False),
    lambda story: story.state.note_unknown(story.now),
    lambda story: story.state.note_loss(story.now),
    lambda story: story.state.note_gap(story.now),
    lambda story: story.state.note_other_user(story.now),
    lambda story: story.state.note_other_order(story.now),
]


@pytest.mark.parametrize("note", NOTES)
def test_whatever_happens_shortens_the_time_to_the_next_check(story: Story, note: Callable[[Story], None]) -> None:
    for _ in range(7):
        story.now += story.wait()
        story.do()
    story.now += 1
    assert story.wait() == approx(CHECK_EVERY - 1)
    happened_at = story.now
    note(story)
    if not isinstance(story.next(), Wait):
        story.do(records("a"))
    story.state.begin(ReadAll())
    assert story.wait() == approx(happened_at + 1 - story.now)


def test_events_without_end_do_not_put_off_the_check(story: Story) -> None:
    begin = story.now - MIN_INTERVAL
    while isinstance(story.next(), Wait):
        story.now += 0.9
        story.event("a")
        story.do(records("a"))
        story.now += MIN_INTERVAL
    assert story.next() == ReadAll()
    assert CHECK_EVERY <= story.now - begin < CHECK_EVERY + 1


def test_a_check_costs_a_twentieth_of_the_time_at_most(story: Story) -> None:
    story.do(ReadAll(), duration=3.0)
    assert story.wait() == approx(3 * CHECK_COST)
    story.event("a")
    story.now += 3.0
    assert story.do() == records("a"), "events are not put off so long"
    assert story.wait() == approx(3 * CHECK_COST - 3)


def test_requests_keep_a_distance_of_the_duration_of_the_last_one(story: Story) -> None:
    story.event("a")
    story.do(duration=0.5)
    story.event("b")
    assert story.wait() == approx(0.5)
    story.now += 0.5
    assert story.next() == records("b")
    story.do(duration=0.001)
    story.event("b")
    assert story.wait() == approx(MIN_INTERVAL - 0.001)


def test_after_a_gap_a_long_list_reads_its_changes(story: Story) -> None:
    story.can_read_changes, story.length = True, PAGE_SIZE + 1
    story.event("a")
    story.state.note_gap(story.now)
    assert story.next() == ReadChanges()
    story.event("b")
    story.do()
    assert story.state.is_current
    assert isinstance(story.next(), Wait), "the events before are covered"
    story.now += MIN_INTERVAL
    story.state.note_gap(story.now)
    story.state.note_unknown(story.now)
    assert story.do() == ReadAll()
    story.state.note_gap(story.now)
    story.now += MIN_INTERVAL
    story.length = PAGE_SIZE
    assert story.next() == ReadAll(), "that is one request"
    story.length, story.can_read_changes = PAGE_SIZE + 1, False
    assert story.next() == ReadAll()


def test_a_gap_while_changes_are_being_read_has_them_read_again(story: Story) -> None:
    story.can_read_changes, story.length = True, PAGE_SIZE + 1
    story.state.note_gap(story.now)
    story.state.begin(ReadChanges())
    story.event("a")
    story.state.note_gap(story.now)
    story.state.succeed(ReadChanges(), story.now, story.now)
    assert not story.state.is_current
    story.now += MIN_INTERVAL
    assert story.do() == ReadChanges()
    assert story.state.is_current


def test_changes_that_are_read_put_off_the_check_as_a_whole_reading_does_without_changing_its_cost(
    story: Story,
) -> None:
    story.do(ReadAll(), duration=3.0)
    story.do(ReadChanges(), duration=0.1)
    assert story.wait() == approx(3 * CHECK_COST)


def test_the_ids_in_order_are_read_a_sixth_of_the_time_at_most(story: Story) -> None:
    story.order_is_certain = False
    assert story.do(duration=0.1) == ReadOrder()
    assert story.wait() == approx(0.1 * ORDER_COST)
    story.event("a")
    assert story.do() == records("a")
    story.now += 0.1 * ORDER_COST
    assert story.next() == ReadOrder()


def test_a_long_reading_puts_off_the_next_one_and_no_records(story: Story) -> None:
    story.do(ReadAll(), duration=2.0)
    story.state.note_unknown(story.now)
    assert story.wait() == approx(2)
    story.now += 1
    story.state.note_gap(story.now)
    assert story.wait() == approx(1)
    story = Story()
    story.do(duration=2.0)
    story.event("a")
    assert story.next() == records("a")

"""The calendar says what kind of day each day is, by the settings in force."""

from datetime import UTC, date, datetime

from psycopg import AsyncConnection

from schema.calendar import write_calendar
from urbanclear.settings import Settings


async def written(url: str, **given: str) -> dict[date, tuple[str, str | None]]:
    settings = Settings.model_validate({"database_url": url, **given})
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await write_calendar(connection, settings)
        assert await write_calendar(connection, settings) == 0
        found = await connection.execute("SELECT day, day_type, holiday FROM calendar ORDER BY day")
        return {day: (day_type, holiday) for day, day_type, holiday in await found.fetchall()}


async def test_public_holidays_are_sundays_and_have_their_names(database_url: str) -> None:
    days = await written(database_url)
    assert [days[date(2026, 11, day)] for day in range(25, 30)] == [
        ("weekday", None),
        ("sunday", "Thanksgiving Day"),
        ("weekday", None),
        ("saturday", None),
        ("sunday", None),
    ]
    assert days[date(2012, 7, 4)] == ("sunday", "Independence Day")


async def test_every_day_from_the_oldest_reading_to_the_end_of_the_next_year_is_there(database_url: str) -> None:
    days = list(await written(database_url, oldest_time="2024-02-29T00:00:00Z"))
    assert (days[0], days[-1]) == (date(2024, 1, 1), date(datetime.now(UTC).year + 1, 12, 31))
    assert len(days) == (days[-1] - days[0]).days + 1


async def test_another_region_takes_the_place_of_the_first(database_url: str) -> None:
    await written(database_url)
    days = await written(database_url, holidays="DE")
    assert days[date(2026, 11, 26)] == ("weekday", None)
    assert days[date(2025, 10, 3)][0] == "sunday"

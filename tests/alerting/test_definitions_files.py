"""Rules, contacts and the policy from files: what is wrong is told with its place, and only changes are written."""

import json
import re
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.applying import DEFAULTS, seed_defaults
from alerting.definitions_files import read_files
from schema.alerting.definitions import checked, current, kept, versions, write
from schema.alerting.routing import Contact, Policy
from schema.alerting.rules import Query, Rule
from schema.alerting.words import Matcher
from schema.tables import alert_definitions
from tests.alerting.commands import said
from tests.alerting.watching import Watch, rule_when

RULE = "- name: {}\n  title: {}\n  when: {{kind: incident}}\n"


def one_file(folder: Path, text: str, name: str = "a.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_everything_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    file = one_file(
        tmp_path,
        """\
rules:
- name: Bad Name
  title: "{{ unclosed"
  when:
    kind: threshold
    measure: sped
    below: 3
    above: 4
- name: twice
  title: a
  title: b
  when: {kind: incident}
- title: no name
  when: {kind: strange}
contact: []
contacts: {}
policy:
  routes:
  - name: r
    match: [area Queens]
""",
    )
    _, problems = read_files([file])
    assert problems == [
        "a.yaml, line 11: title is there twice",
        "a.yaml, line 3: Bad Name.title: unexpected end of template, expected 'end of print statement'",
        "a.yaml, line 2: Bad Name.name: String should match pattern '^[a-z0-9][a-z0-9-]{0,62}$'",
        "a.yaml, line 6: Bad Name.when.measure: Input should be 'speed_kmh', 'volume_vph', 'occupancy', "
        "'travel_time_s', 'speed_ratio' or 'travel_time_index'",
        "a.yaml, line 13: name: Field required",
        "a.yaml, line 14: when: Input tag 'strange' found using 'kind' does not match any of the expected tags: "
        "'threshold', 'deviation', 'forecast', 'incident', 'anomaly', 'silence', 'sql'",
        "a.yaml, line 15: contact: say `rules`, `contacts` or `policy`",
        "a.yaml, line 16: contacts is a list: begin each with `- name:`",
        "a.yaml, line 20: routes.0.match.0: 'area Queens' is no matcher: write label=\"value\", with =, !=, =~ or !~",
    ]


def test_what_is_no_yaml_a_name_in_two_files_and_a_bad_title_are_told(tmp_path: Path) -> None:
    one_file(tmp_path, "rules:\n" + RULE.format("a", "a"), "1.yaml")
    one_file(tmp_path, "rules:\n" + RULE.format("a", "'{{ x'"), "2.yml")
    one_file(tmp_path, "rules: [", "3.yaml")
    one_file(tmp_path, "- 1", "4.yaml")
    one_file(tmp_path, "", "5.yaml")
    one_file(tmp_path, "not read", "6.txt")
    found, problems = read_files([tmp_path, tmp_path / "gone.yaml"])
    assert [one.name for one in found] == ["a"]
    assert [problem.split(":")[0] for problem in problems] == [
        "2.yml, line 3",
        "2.yml, line 2",
        "3.yaml, line 1",
        "4.yaml, line 1",
        str(tmp_path / "gone.yaml"),
    ]
    assert "a.title: unexpected end of template" in problems[0]
    assert "is in 1.yaml, line 2 as well" in problems[1]


def test_a_contact_that_can_never_be_reached_is_told_with_its_line(tmp_path: Path) -> None:
    file = one_file(
        tmp_path,
        """\
contacts:
- name: a
  channels:
  - {kind: webhook, to: not a url}
  - {kind: slack, to: "ftp://hooks.example/"}
  - {kind: email, to: not-an-address}
  - kind: sms
    to: twilioo://x
  - {kind: push, to: "pover://user@token?verify=no"}
  - {kind: push, to: "ntfys://ntfy.city.example/duty"}
  - {kind: webhook, to: "http://127.0.0.1:9000/hook"}
""",
    )
    _, problems = read_files([file])
    assert [problem.removesuffix(": correct the contact").split(" one of 4")[0] for problem in problems] == [
        "a.yaml, line 4: a.channels.0.to: the URL is none of https://host/…",
        "a.yaml, line 5: a.channels.1.to: the URL is none of https://host/…",
        "a.yaml, line 6: a.channels.2.to: 'not-an-address' is no e-mail address of ASCII letters",
        "a.yaml, line 8: a.channels.3.to: no address of sms: it begins with",
        "a.yaml, line 9: a.channels.4.to: verify: only from an environment variable: name one as the channel's "
        "`to_secret`",
    ]


def test_an_unknown_name_and_an_unclosed_quote_are_told_with_all_else_that_is_wrong(tmp_path: Path) -> None:
    file = one_file(
        tmp_path,
        """\
rules:
- name: jam
  title: "q {{ nme }} {{ value }}"
  description: "{{ name | jam2 }}, {{ labels.maybe }}"
  when: {kind: threshold, measure: sped, below: 3}
policy:
  routes:
  - name: r
    match: ['rule="jam']
""",
    )
    _, problems = read_files([file])
    assert problems == [
        "a.yaml, line 3: jam.title: nme is not known: known are name, subject, value, labels, priority, reason, "
        "started_at",
        "a.yaml, line 4: jam.description: No filter named 'jam2'",
        "a.yaml, line 5: jam.when.measure: Input should be 'speed_kmh', 'volume_vph', 'occupancy', "
        "'travel_time_s', 'speed_ratio' or 'travel_time_index'",
        'a.yaml, line 9: routes.0.match.0: \'rule="jam\' has one quote: write label="value", with a quote at both '
        "ends or none",
    ]


def test_a_contact_that_was_kept_before_it_was_refused_still_counts() -> None:
    channels = [{"kind": "email", "to": "a@b.example"}, {"kind": "webhook", "to": "not a url"}]
    contact = checked(Contact, {"name": "a", "channels": channels}, "a")
    assert [channel.to for channel in contact.channels] == ["a@b.example", "not a url"]


def test_clock_times_and_words_are_what_they_look_like(tmp_path: Path) -> None:
    file = one_file(
        tmp_path,
        "contacts:\n- name: a\n  title: off\n  channels: [{kind: email, to: a@b.example}]\n"
        "  quiet: [{from: 22:00, until: 06:00, time_zone: Europe/Berlin}]\n",
    )
    [contact], problems = read_files([file])
    assert problems == []
    assert isinstance(contact.definition, Contact)
    assert contact.definition.title == "off"
    assert contact.definition.quiet[0].from_ == time(22)


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["rules", "policy", "name", "title", "when", "kind", "below", "routes", "match", "contacts"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(documents | st.lists(documents, max_size=3).map(lambda rules: {"rules": rules}))
def test_no_file_ends_in_anything_but_definitions_and_problems(document: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = one_file(Path(folder), yaml.safe_dump(document))
        found, problems = read_files([file])
        assert all(one.definition for one in found)
        assert all(problem.startswith("a.yaml") for problem in problems)


async def test_defaults_are_written_once(engine: AsyncEngine) -> None:
    assert await seed_defaults(engine) == 20
    assert await seed_defaults(engine) == 0
    async with engine.connect() as connection:
        rows = (await connection.execute(current("rule"))).mappings().all()
        assert {row["origin"] for row in rows} == {"default"}
        assert len([kept(row, Rule) for row in rows]) == 19


async def test_defaults_give_way_to_what_was_changed_or_deleted_and_follow_a_newer_release(
    engine: AsyncEngine,
) -> None:
    await seed_defaults(engine)
    mine = rule_when({"kind": "incident"}).model_copy(update={"name": "collision"})
    async with engine.begin() as connection:
        await connection.execute(write("rule", "collision", mine, "api", "ann", 1))
        await connection.execute(write("rule", "storm", None, "api", "ann", 1))
        old = mine.model_copy(update={"name": "hazard"})
        await connection.execute(write("rule", "hazard", old, "default", "urbanclear", 1))
    assert await seed_defaults(engine) == 1
    async with engine.connect() as connection:
        names = {row["name"]: row["version"] for row in (await connection.execute(current("rule"))).mappings()}
        assert "storm" not in names
        assert (names["collision"], names["hazard"], names["closure"]) == (2, 3, 1)


async def test_files_are_applied_where_they_differ(engine: AsyncEngine, database_url: str, tmp_path: Path) -> None:
    file = one_file(
        tmp_path, "rules:\n" + RULE.format("mine", "One") + "policy: {routes: [{name: r, contacts: [bob]}]}\n"
    )
    would = await said(database_url, "apply", str(file), "--dry-run")
    assert "new      rule mine" in would.stdout
    assert "2 of 2 would be written." in would.stdout
    assert (await said(database_url, "rules", "--json")).stdout == "[]\n"
    done = await said(database_url, "apply", str(tmp_path))
    assert "2 of 2 were written." in done.stdout
    assert "nobody is called bob" in done.stdout
    assert "0 of 2 were written." in (await said(database_url, "apply", str(file))).stdout
    async with engine.begin() as connection:
        mine = rule_when({"kind": "incident"}).model_copy(update={"name": "mine", "title": "Two"})
        await connection.execute(write("rule", "mine", mine, "api", "ann", 1))
    again = (await said(database_url, "apply", str(file))).stdout
    assert "changed  rule mine" in again
    assert "in place of what ann wrote over the API" in again
    assert "-title: Two" in again
    assert "+title: One" in again
    listed = json.loads((await said(database_url, "rules", "--json")).stdout)
    assert [(one["name"], one["version"], one["origin"]) for one in listed] == [("mine", 3, "file")]
    assert "mine" in (await said(database_url, "rules")).stdout
    async with engine.connect() as connection:
        assert len((await connection.execute(versions("rule", "mine"))).all()) == 3


async def test_a_rule_that_fits_nothing_and_an_address_that_is_not_permitted_are_warned_of(
    watch: Watch, database_url: str, tmp_path: Path
) -> None:
    await watch.city.sensor("1", area="Manhattan", road="Broadway")
    await watch.city.sensor("2", area="Bronx", road="Main Street")
    threshold = "when: {kind: threshold, measure: speed_kmh, below: 20}"
    file = one_file(
        tmp_path,
        f"""\
rules:
- {{name: wrong, title: a, {threshold}, where: {{areas: [Manhatan, Bronx], sensors: ["nope:1"]}}}}
- {{name: never, title: a, {threshold}, where: {{areas: [Bronx], roads: [Broadway]}}}}
- {{name: fine, title: a, {threshold}, where: {{areas: [Bronx], roads: [Main Street]}}}}
- {{name: crash, title: a, when: {{kind: incident}}, where: {{areas: [Queens]}}}}
contacts:
- name: local
  channels:
  - {{kind: webhook, to: "http://127.0.0.1:9000/hook"}}
  - {{kind: webhook, to: "https://[::ffff:10.0.0.1]/hook"}}
  - {{kind: webhook, to: "http://localhost:9000/hook"}}
  - {{kind: webhook, to: "https://93.184.216.34/hook"}}
""",
    )
    not_meant = (
        "is in a network that notifications must not go to: where that is meant, name the network in "
        "URBANCLEAR_ALERT_PRIVATE_NETWORKS"
    )
    for words, written in ((["--dry-run"], "5 of 5 would be written."), ([], "5 of 5 were written.")):
        told = (await said(database_url, "apply", str(file), *words)).stdout.splitlines()
        assert told[5:] == [
            f"a.yaml, line 7: local.channels.0.to: 127.0.0.1 {not_meant}",
            f"a.yaml, line 7: local.channels.1.to: ::ffff:10.0.0.1 {not_meant}",
            "a.yaml, line 2: wrong.where: nothing that there is fits areas: Manhatan, sensors: nope:1",
            "a.yaml, line 3: never.where: nothing that there is fits all of its lines together",
            "a.yaml, line 5: crash.where: nothing that there is fits areas: Queens",
            written,
        ]


async def test_the_table_of_rules_fits_a_narrow_terminal(engine: AsyncEngine, database_url: str) -> None:
    await seed_defaults(engine)
    lines = (await said(database_url, "rules")).stdout.splitlines()
    assert len(lines) == 20
    assert all(len(line) <= 80 and "…" not in line for line in lines)
    [line] = [line for line in lines if line.split()[0] == "unusual-congestion"]
    assert re.fullmatch(
        r" *unusual-congestion +deviation +medium +yes +\d{4}-\d\d-\d\d \d\d:\d\d +urbanclear *", line
    )


async def test_rules_for_programs_say_when_they_were_changed_as_the_api_does(
    engine: AsyncEngine, database_url: str
) -> None:
    await seed_defaults(engine)
    listed = json.loads((await said(database_url, "rules", "--json")).stdout)
    assert all(re.fullmatch(r"[-\dT:.]+Z", one["changed_at"]) for one in listed)


async def test_the_policy_is_printed_as_a_file_that_can_be_applied(
    engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    assert "There is no policy" in str((await said(database_url, "policy")).exception)
    await seed_defaults(engine)
    text = (await said(database_url, "policy")).stdout
    file = one_file(tmp_path, text)
    assert "0 of 1 were written." in (await said(database_url, "apply", str(file))).stdout
    file.write_text(text.replace("  routes:\n", "  routes:\n  - {name: first, contacts: ['1e3']}\n", 1))
    assert "1 of 1 were written." in (await said(database_url, "apply", str(file))).stdout
    file.write_text((await said(database_url, "policy")).stdout)
    assert "0 of 1 were written." in (await said(database_url, "apply", str(file))).stdout


async def test_nothing_is_written_while_anything_is_wrong(
    engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    one_file(tmp_path, "rules:\n" + RULE.format("fine", "One"), "1.yaml")
    one_file(
        tmp_path,
        "rules:\n- {name: asked, title: a, when: {kind: sql, query: SELECT x}}\n- {name: wrong}\n",
        "2.yaml",
    )
    said_ = str((await said(database_url, "apply", str(tmp_path))).exception)
    assert '2.yaml, line 2: asked.when.query: The query is wrong: column "x" does not exist, at character 8.' in said_
    assert "2.yaml, line 3: wrong.title: Field required" in said_
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(alert_definitions)) == 0


async def test_a_query_of_what_analysts_may_not_read_is_refused_before_anything_is_written(
    engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    for relation in ("pg_shadow", "api_keys"):
        query = f"SELECT 'a' AS subject FROM {relation}"
        rule = f'- {{name: asked, title: A, when: {{kind: sql, query: "{query}"}}}}'
        file = one_file(tmp_path, f"rules:\n{rule}\n")
        for words in ([], ["--dry-run"]):
            refused = await said(database_url, "apply", str(file), *words)
            assert refused.exit_code != 0
            assert "may not be asked as urbanclear_analyst: permission denied for" in str(refused.exception)
            assert relation in str(refused.exception)
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(alert_definitions)) == 0


def test_the_default_policy_is_about_rules_that_there_are() -> None:
    found, problems = read_files([DEFAULTS])
    assert problems == []
    rules = {one.name for one in found if isinstance(one.definition, Rule)} | {"rule-failing"}
    [policy] = [one.definition for one in found if isinstance(one.definition, Policy)]
    texts = [text for route in policy.routes for text in route.match]
    texts += [text for one in policy.inhibitions for text in (*one.source, *one.target)]
    for text in texts:
        matcher = Matcher.parse(text)
        assert matcher.label != "rule" or any(matcher.matches({"rule": name}) for name in rules), text
        for name in matcher.value.split("|") if matcher.label == "rule" and "*" not in text else ():
            assert name in rules
    contacts = {one.name for one in found if isinstance(one.definition, Contact)}
    assert {name for route in policy.routes for name in route.contacts} <= contacts


def test_default_queries_are_asked_seldom_enough() -> None:
    found, _ = read_files([DEFAULTS])
    asked = [one.definition for one in found if isinstance(one.definition, Rule)]
    assert all(rule.every >= timedelta(minutes=1) for rule in asked if isinstance(rule.when, Query))

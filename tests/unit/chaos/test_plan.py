"""Plans of a chaos run: reproducible, of all kinds, and without undetectable faults."""

from __future__ import annotations

from collections import Counter

from airflow_provider_taskcluster.emulator.store import faults as emulator_faults
from chaos.contents import files, older
from chaos.faults import Die
from chaos.plan import KINDS, MIB, draw
from chaos.transfers import TRANSFERS

PLANS = [draw(7, number) for number in range(1, 1001)]
TROUBLES = [trouble for plan in PLANS for trouble in plan.troubles]


def test_a_plan_is_drawn_from_its_seed_and_number_alone():
    assert [draw(7, number) for number in (1, 500, 1000)] == [PLANS[0], PLANS[499], PLANS[999]]
    assert draw(8, 1) != PLANS[0]
    assert files(draw(7, 3)) == files(PLANS[2])


def test_every_kind_is_drawn_and_every_kind_can_be_run():
    assert {plan.kind.name for plan in PLANS} == set(KINDS) == set(TRANSFERS)


def test_every_trouble_is_drawn():
    assert {plan.disk for plan in PLANS} == {"plain", "small", "image"}
    ends = Counter((trouble.end.trigger, trouble.end.power) for trouble in TROUBLES if trouble.end)
    assert min(ends.values()) > 20, ends
    assert len(ends) == 5, ends
    assert sum(trouble.room is not None for trouble in TROUBLES) > 50
    struck = Counter((strike.fault, strike.service) for trouble in TROUBLES for strike in trouble.strikes)
    assert (
        min(struck[fault, service] for fault in ("Die", "Reset", "Stall", "Status") for service in (True, False)) > 20
    )
    assert {fault for fault, _ in struck} - {"Die"} <= set(emulator_faults.__all__)


def test_every_fault_can_be_made():
    for trouble in TROUBLES:
        for strike in trouble.strikes:
            (Die if strike.kills else getattr(emulator_faults, strike.fault))(**strike.arguments)


def test_where_no_sum_would_show_it_no_other_bytes_are_sent():
    unseen = {"Corrupt", "Short", "Longer", "NoLength"}
    unhashed = [plan for plan in PLANS if not plan.kind.hashed]
    assert not {strike.fault for plan in unhashed for trouble in plan.troubles for strike in trouble.strikes} & unseen


def test_power_is_lost_on_images_alone_and_only_small_disks_are_full():
    for plan in PLANS:
        assert plan.disk == "image" or not any(trouble.end and trouble.end.power for trouble in plan.troubles)
        assert plan.disk == "small" or all(trouble.room is None for trouble in plan.troubles)


def test_files_have_the_sizes_of_the_plan_and_differ_from_those_that_they_replace():
    for plan in PLANS[:50]:
        assert tuple(map(len, files(plan).values())) == plan.sizes
        assert bool(older(plan)) is plan.replaces
        assert not set(older(plan).items()) & set(files(plan).items())


def test_what_an_incident_may_cost_is_less_than_all_where_the_product_promises_more():
    kills_only = [p for p in PLANS if p.kind.name == "download_object" and p.connections == 1 and p.size > 11 * MIB]
    assert any(plan.loss < plan.size for plan in kills_only)
    parts = [p for p in PLANS if p.kind.name == "upload_parts" and p.connections == 1 and p.size > MIB]
    assert parts
    assert all(plan.loss < plan.size for plan in parts)

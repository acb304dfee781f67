"""The list of materials by grade and person; only yearly assessments may be made up later (notice 二（四）)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.materials import MEGABYTE, MaterialFacts, MaterialKind, Need, materials_for

K = MaterialKind
ALWAYS = {K.IDENTITY_CARD, K.PHOTO, K.POST, K.WORK_YEARS}
facts = st.builds(
    MaterialFacts,
    grade=st.sampled_from([None, 1, 2, 3, 4, 5]),
    has_certificate=st.booleans(),
    trade_changed=st.booleans(),
)


def kinds(of: MaterialFacts, need: Need) -> set[MaterialKind]:
    return {rule.kind for rule in materials_for(of) if rule.need is need}


@pytest.mark.parametrize(
    ("grade", "has_certificate", "trade_changed", "needed", "deferrable", "optional"),
    [
        pytest.param(5, False, False, set(), set(), {K.EDUCATION}, id="五级"),
        pytest.param(4, False, False, set(), {K.ASSESSMENT}, {K.EDUCATION}, id="四级 by years of work"),
        pytest.param(4, True, False, {K.CERTIFICATE}, {K.ASSESSMENT}, {K.EDUCATION}, id="四级 by certificate"),
        pytest.param(
            3, True, False, {K.CERTIFICATE}, {K.ASSESSMENT}, {K.EDUCATION, K.ACHIEVEMENT}, id="三级 by certificate"
        ),
        pytest.param(
            3,
            True,
            True,
            {K.CERTIFICATE, K.TRADE_CHANGE},
            {K.ASSESSMENT},
            {K.EDUCATION, K.ACHIEVEMENT},
            id="三级 with another trade (改报工种)",
        ),
        pytest.param(2, True, False, {K.CERTIFICATE}, {K.ASSESSMENT}, {K.EDUCATION, K.ACHIEVEMENT}, id="二级"),
        pytest.param(1, True, False, {K.CERTIFICATE, K.EDUCATION, K.ACHIEVEMENT}, {K.ASSESSMENT}, set(), id="一级"),
    ],
)
def test_the_list(
    grade: int,
    has_certificate: bool,
    trade_changed: bool,
    needed: set[MaterialKind],
    deferrable: set[MaterialKind],
    optional: set[MaterialKind],
) -> None:
    of = MaterialFacts(grade, has_certificate, trade_changed)
    assert kinds(of, Need.NEEDED) == ALWAYS | needed
    assert kinds(of, Need.DEFERRABLE) == deferrable
    assert kinds(of, Need.OPTIONAL) == optional | {K.UNIT_CONSENT}


@given(facts)
def test_nothing_but_the_yearly_assessments_may_be_deferred(of: MaterialFacts) -> None:
    assert kinds(of, Need.DEFERRABLE) <= {K.ASSESSMENT}


@given(facts)
def test_every_kind_stands_once_with_words_and_limits(of: MaterialFacts) -> None:
    rules = materials_for(of)
    assert len({rule.kind for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.label
        assert rule.hint
        assert 0 < rule.max_bytes <= 10 * MEGABYTE
        assert rule.max_files >= 1
        assert set(rule.formats) <= {"pdf", "jpeg", "png"}
    photo = next(rule for rule in rules if rule.kind is K.PHOTO)
    assert (photo.formats, photo.max_bytes, photo.max_files) == (("jpeg",), MEGABYTE, 1)

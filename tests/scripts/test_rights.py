from aibridge.contract import SiteRole
from aibridge.identity.rights import MATRIX, Reach, Right
from scripts.rights import differences, render


def test_the_matrix_in_the_code_and_that_of_a_running_bridge_agree(script):
    done = script("rights")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "72 cells, 0 differ"
    assert "record.read         all    none        all      none" in lines


def test_a_cell_that_differs_is_named():
    row = {**MATRIX[Right.READ_AUDIT], SiteRole.MEMBER: Reach.OWN}
    wrong = differences(MATRIX, {**MATRIX, Right.READ_AUDIT: row})
    assert wrong == ["audit.read of member: none in the code, own live"]
    assert "audit.read          all    none        all      none" in list(render("", MATRIX))

from audit.findings_by_hand import finding
from wolfsbane.audit.finding import Place, Span
from wolfsbane.audit.output import render


def test_a_finding_is_a_command(tmp_path):
    place = Place(str(tmp_path / "net.py"), Span(2, 5, 2, 9))
    assert render([finding(place)], "github", root=tmp_path) == (
        "::error file=net.py,line=2,col=5,endLine=2,endColumn=9,title=WB101 (dropout-always-on)::"
        "net.py:2:5: WB101 dropout is always on. pass training\n"
    )


def test_what_would_end_a_command_or_a_property_is_escaped(tmp_path):
    place = Place(str(tmp_path / "a,b:c%.py"), Span(1, 1, 2, 1))
    told = render([finding(place, message="100% of\r\nsteps")], "github", root=tmp_path)
    assert told.startswith("::error file=a%2Cb%3Ac%25.py,line=1,col=1,endLine=2,title=")
    assert "WB101 100%25 of%0D%0Asteps" in told
    assert told.count("\n") == 1


def test_a_cell_points_to_the_notebook(tmp_path):
    place = Place(str(tmp_path / "a.ipynb"), Span(3, 1, 3, 4), cell=7)
    told = render([finding(place)], "github", root=tmp_path)
    assert told.startswith("::error file=a.ipynb,line=1,title=")
    assert "a.ipynb:cell 7:3:1: WB101" in told


def test_a_module_has_no_file():
    told = render([finding(Place(module="fc.drop"))], "github")
    assert told.startswith("::error title=WB101 (dropout-always-on)::fc.drop: WB101 ")

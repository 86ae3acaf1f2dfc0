"""What a template may do, what it is stopped from, and that user text stays text."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engine.documents import rendering
from engine.documents.pages import page, to_html
from engine.documents.press import as_text
from engine.documents.rendering import (
    Limits,
    Press,
    TemplateError,
    TemplateRefused,
    TemplateTooLarge,
    TemplateTooSlow,
)
from unbounded import NO_BOUND_OF_MEMORY

pytestmark = pytest.mark.slow

DATA: rendering.Plain = {
    "title": "Checkout",
    "customer": {"name": "A|B", "items": 3},
    "roles": ["lead"],
    "region": None,
}

LOOPS = {
    "without output": "{% for a in range(99999) %}\n{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "counting": "{% set n = namespace(x=0) %}{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% set n.x = n.x + 1 %}{% endfor %}{% endfor %}",
    "one expression": "{{ 10 ** (10 ** 10) }}",
}

LARGE = {
    "a product": "{{ 'x' * 10 ** 10 }}",
    "100 MB at once": "{{ 'x' * 10 ** 8 }}",
    "100 MB in a loop": "{% for a in range(9999) %}"
    "{% for b in range(999) %}0123456789{% endfor %}{% endfor %}",
    "padding": "{{ 'x'|center(10 ** 9) }}",
    "a format": "{{ '%1000000000d' % 1 }}",
    "doubling": "{% set n = namespace(x='x') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "a range": "{{ range(10 ** 9)|list|length }}",
    "a list": "{{ ([0] * 10 ** 9)|length }}",
}

REACHING = {
    "{{ title.__class__.__mro__ }}": "str.__class__",
    "{{ title['__class__'] }}": "str.__class__",
    "{{ title|attr('__class__') }}": "str.__class__",
    "{{ '{0.__class__}'.format(title) }}": "str.format",
    "{{ title.encode() }}": "str.encode",
    "{{ roles.append('x') }}": "list.append",
    "{{ customer.update({'x': 1}) }}": "dict.update",
    "{{ customer.get.__self__ }}": "builtin_function_or_method.__self__",
    "{{ self.__init__.__globals__ }}": "TemplateReference.__init__",
    "{{ cycler.__init__.__globals__ }}": "type.__init__",
    "{% for x in roles %}{{ loop.__class__ }}{% endfor %}": "LoopContext.__class__",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}": "Macro._func",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture(scope="module")
def press(own: Path) -> Iterator[Press]:
    with Press(own, Limits(seconds=1.0)) as made:
        yield made


def render(press: Press, source: str) -> rendering.Rendered:
    (press.folders[0] / "tried.md").write_text(source, "utf-8")
    assert isinstance(DATA, dict)
    return press.render("tried.md", DATA)


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
def test_a_template_that_loops_is_stopped_and_the_line_is_named(press: Press, source: str) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateTooSlow, match=r"^tried\.md:\d: not done within 1 s"):
        render(press, source)
    assert time.monotonic() - began < 4
    assert render(press, "{{ title }}").text == "Checkout"


@pytest.mark.parametrize("source", LARGE.values(), ids=LARGE)
def test_a_template_that_makes_too_much_is_stopped(press: Press, source: str) -> None:
    with pytest.raises(TemplateTooLarge, match=r"^tried\.md"):
        render(press, source)
    assert render(press, "{{ title }}").text == "Checkout"


def test_where_the_kernel_takes_no_bound_of_memory_documents_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    like_macos = tmp_path / "press.py"
    run = f"import runpy\nrunpy.run_path({str(rendering._PRESS)!r}, run_name='__main__')"
    like_macos.write_text(NO_BOUND_OF_MEMORY + run)
    monkeypatch.setattr(rendering, "_PRESS", like_macos)
    (tmp_path / "own").mkdir()
    with Press(tmp_path / "own", Limits(seconds=1.0)) as press:
        assert render(press, "{{ title }}").text == "Checkout"
        with pytest.raises(TemplateTooSlow):
            render(press, LOOPS["without output"])


@pytest.mark.parametrize("source", REACHING, ids=REACHING)
def test_a_template_that_reaches_for_attributes_is_refused_and_told_for_which(
    press: Press, source: str
) -> None:
    with pytest.raises(TemplateRefused) as refused:
        render(press, f"\n{source}")
    assert f"tried.md:2: reaches for {REACHING[source]}," in str(refused.value)
    assert refused.value.line == 2


def test_a_process_that_does_not_answer_is_ended(own: Path) -> None:
    with Press(own, Limits(seconds=0.2)) as press:
        render(press, "x")
        assert press._process is not None
        pid = press._process.pid
        os.kill(pid, signal.SIGSTOP)  # as in an expression that no alarm interrupts
        with pytest.raises(TemplateTooSlow):
            render(press, "x")
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert render(press, "x").text == "x"


def test_what_runs_templates_has_nothing_of_our_environment(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_SASL_PASSWORD", "secret")
    with Press(own) as press:
        render(press, "x")
        assert press._process is not None
        assert b"secret" not in Path(f"/proc/{press._process.pid}/environ").read_bytes()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("a\n{% if %}", "tried.md:2: Expected an expression"),
        ("\n\n{% for x in nobody %}{% endfor %}", "tried.md:3: 'nobody' is undefined"),
        ("\n{{ 1 / 0 }}", "tried.md:2: ZeroDivisionError"),
        ("{% include 'tried.md' %}", "tried.md:1: maximum recursion depth"),
        ("{% include '../../../etc/passwd' %}", "tried.md:1: there is no template ../../../etc/passwd"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "tried.md:1: maximum recursion depth"),
    ],
)
def test_a_template_that_is_wrong_is_named_with_its_line(press: Press, source: str, problem: str) -> None:
    with pytest.raises(TemplateError) as wrong:
        render(press, source)
    assert str(wrong.value).startswith(problem)


def test_a_template_that_is_not_there_is_named(press: Press) -> None:
    with pytest.raises(TemplateError, match=r"there is no template nowhere\.md"):
        press.render("nowhere.md", {})


def test_what_is_not_known_is_printed_as_missing_and_what_the_data_lacks_is_told(press: Press) -> None:
    rendered = render(press, "{{ region }}, {{ tilte }}, {{ customer.naem }}")
    assert rendered.text == "_not known yet_, _not known yet_, _not known yet_"
    assert rendered.undefined == ("tilte", "naem")


def test_a_field_named_like_a_method_is_the_field(press: Press) -> None:
    assert render(press, "{{ customer.items }}").text == "3"


def test_data_that_is_not_plain_is_refused_before_any_template_sees_it(press: Press) -> None:
    with pytest.raises(TypeError):
        press.render("tried.md", {"file": Path("/etc")})  # type: ignore[dict-item]


def test_own_templates_come_before_those_shipped(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = own / "shipped"
    shipped.mkdir(exist_ok=True)
    (shipped / "both.md").write_text("shipped")
    (shipped / "only.md").write_text("only shipped")
    (own / "both.md").write_text("own")
    monkeypatch.setattr(rendering, "SHIPPED", shipped)
    with Press(own) as press:
        assert press.render("both.md", {}).text == "own"
        assert press.render("only.md", {}).text == "only shipped"


# -- user text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", "a\\|b"),
        ("**now**", "\\*\\*now\\*\\*"),
        ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
        ("# first\n\n- second", "\\# first - second"),
        ("[click](javascript:x)", "\\[click\\](javascript:x)"),
        ("![x](http://x)", "!\\[x\\](http://x)"),
        ("checkout_service and _this_", "checkout_service and \\_this\\_"),
        ("1. April", "1\\. April"),
        ("R&D, AT&amp;T", "R&D, AT\\&amp;T"),
        ("safe\u202egnp.exe\x07", "safegnp.exe"),
        ("---", "\\---"),
        ("3 - 2", "3 - 2"),
    ],
)
def test_user_text_is_escaped_for_markdown(text: str, written: str) -> None:
    assert as_text(text) == written


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 \n\t*_`#>-+=~|<>&;[]()!\\./:x"), max_size=30))
def test_user_text_means_itself_wherever_it_stands(text: str) -> None:
    plain = " ".join(text.split())
    for before in ("", "- ", "> ", "Title: ", "# "):
        inline = [
            t for t in MarkdownIt("gfm-like", {"linkify": False}).parse(before + as_text(text)) if t.children
        ]
        shown = "".join(c.content for t in inline for c in t.children or () if c.type != "softbreak")
        assert {c.type for t in inline for c in t.children or ()} <= {"text", "text_special"}
        assert " ".join(shown.split()) == " ".join((before.lstrip("->#").lstrip() + plain).split())


def test_a_page_keeps_raw_html_as_text_and_needs_nothing_else() -> None:
    made = page(
        "<P0>", to_html("# x <script>alert(1)</script>\n\n[a](javascript:alert(1))\n\n|a|\n|-|\n|b|\n")
    )
    assert "<script" not in made
    assert 'href="javascript' not in made
    assert "<title>&lt;P0&gt;</title>" in made
    assert "<table>" in made
    assert "http" not in made.replace("http-equiv", "")

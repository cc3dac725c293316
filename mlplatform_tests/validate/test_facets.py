"""The Facets page: one file that needs no network, and that no value can break out of."""

import base64
import gzip
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pyarrow as pa
import pytest

from mlplatform.errors import WorkerError
from mlplatform.validate import facets
from mlplatform.validate.proto import parse
from mlplatform_tests.validate.conftest import people

HOSTILE = [
    "</script><script>document.title='broken out'</script>",
    '"><img src=x onerror="document.title=\'broken out\'">',
    "'-alert(1)-'",
    "{{constructor.constructor('document.title=1')()}}",
]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Read(HTMLParser):
    """Which elements a browser would make of a page."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        """Keep it."""
        self.elements.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def statistics():
    """Statistics by hand, with hostile names and values; TFDV is not needed."""
    message = parse("DatasetFeatureStatisticsList", b"")
    dataset = message.datasets.add(num_examples=4)
    for name in HOSTILE:
        feature = dataset.features.add(type=2)
        feature.path.step.append(name)
        feature.string_stats.common_stats.num_non_missing = 4
        feature.string_stats.unique = len(HOSTILE)
        for value in HOSTILE:
            feature.string_stats.top_values.add(value=value, frequency=1)
            feature.string_stats.rank_histogram.buckets.add(label=value, sample_count=1)
    return message.SerializeToString()


@pytest.fixture(scope="module")
def page(statistics):
    return facets.page(statistics, title="<b>people</b>")


def test_what_is_vendored_is_what_its_readme_says():
    readme = (facets.DIST / "README.md").read_text()
    packed = sorted(facets.DIST.glob("*.gz"))
    assert len(packed) == 2
    for path in packed:
        digest = hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
        assert f"`{path.stem}`: {digest}" in readme
    assert "Apache License" in (facets.DIST / "LICENSE.facets.txt").read_text()
    assert "The Polymer Authors" in (facets.DIST / "LICENSE.webcomponentsjs.md").read_text()


def test_the_page_refers_to_nothing_that_would_be_loaded(page):
    elements = Read(page).elements
    assert not [tag for tag, _ in elements if tag in ("link", "iframe", "object", "embed", "base")]
    loading = {"src", "href", "srcset", "data", "poster", "action", "xlink:href"}
    loaded = [
        (tag, value)
        for tag, attributes in elements
        for name, value in attributes.items()
        if name in loading and not re.fullmatch(r"\[\[\w.*\]\]|#", value or "")
    ]
    assert loaded == []
    styles = re.findall(r"url\(\s*['\"]?([a-z]+:|/|\w)[^)]*\)", page.decode())
    assert styles == []
    assert b"@font-face" not in page
    assert b"sourceMappingURL" not in page


def test_the_pages_policy_allows_only_its_own_scripts_and_no_load(page):
    (policy,) = [a["content"] for t, a in Read(page).elements if t == "meta" and "content" in a]
    assert policy.startswith("default-src 'none'; script-src 'nonce-facets'; ")
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "http" not in policy
    scripts = [attributes for tag, attributes in Read(page).elements if tag == "script"]
    assert len(scripts) > 100
    assert all(attributes == {"nonce": "facets"} for attributes in scripts)


def test_names_and_values_are_in_the_page_in_base64_only(page, statistics):
    ours = [a for tag, a in Read(page).elements if tag == "facets-overview"]
    shown = parse("DatasetFeatureStatisticsList", base64.b64decode(ours[0]["proto-input"]))
    assert [f.path.step[0] for f in shown.datasets[0].features] == HOSTILE
    assert len(ours) == 1
    assert b"broken out" not in page
    assert b"<h1>&lt;b&gt;people&lt;/b&gt;</h1>" in page


def test_the_reference_stands_beside_the_current_statistics(measure):
    current, before = measure(people(40)), measure(people(30))
    page = facets.page(current, before, names=("3:ab", "reference 1:cd"))
    (ours,) = [a for tag, a in Read(page).elements if tag == "facets-overview"]
    shown = parse("DatasetFeatureStatisticsList", base64.b64decode(ours["proto-input"])).datasets
    assert [(d.name, d.num_examples) for d in shown] == [("3:ab", 40), ("reference 1:cd", 30)]


def test_no_personal_data_are_in_the_page(measure):
    mails = [f"ann.{n}@example.org" for n in range(20)]
    names = ["Maria Garcia", "John Smith", "James Brown", "Linda Jones"] * 10
    table = people(40).append_column("contact", pa.array([*mails, *mails]))
    table = table.append_column("full_name", pa.array(names))
    table = table.append_column("town", table["city"])
    seldom = pa.array(["bob@example.org", *table["city"].to_pylist()[1:]])
    before = measure(table.set_column(0, "city", seldom))
    page = facets.page(measure(table), before, personal=["member"])
    (ours,) = [a for tag, a in Read(page).elements if tag == "facets-overview"]
    content = base64.b64decode(ours["proto-input"])
    for value in (*mails, *names, "bob@example.org"):
        assert value.encode() not in content
    current, reference = parse("DatasetFeatureStatisticsList", content).datasets
    shown = {
        f.path.step[0]: {bucket.label for bucket in f.string_stats.rank_histogram.buckets}
        for f in current.features
    }
    assert shown["town"] == {"Oslo", "Rome", "Kyiv"}
    assert shown["city"] == {"Xxxx"}
    assert shown["member"] == {"xxx", "xx"}
    assert shown["contact"] == {"xxx.9@xxxxxxx.xxx", "xxx.99@xxxxxxx.xxx"}
    (contact,) = [f for f in current.features if f.path.step[0] == "contact"]
    assert [v.frequency for v in contact.string_stats.top_values] == [20, 20]
    (city,) = [f for f in reference.features if f.path.step[0] == "city"]
    assert "xxx@xxxxxxx.xxx" in {v.value for v in city.string_stats.top_values}


def test_bytes_that_are_no_statistics_make_no_page():
    with pytest.raises(WorkerError, match="no serialized DatasetFeatureStatisticsList"):
        facets.page(b"garbage")


TELL = b"""<script nonce=facets>
const text = node => [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].map(
  n => n.nodeType === 3 ? n.data : ["SCRIPT", "STYLE"].includes(n.tagName) ? "" : text(n)).join(" ");
setTimeout(() => { document.body.dataset.drawn = text(document.body) }, 10000);
</script>"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_without_a_network_draws_every_column_and_runs_nothing_of_theirs(page, tmp_path):
    """A proxy that is not there stands for no network; a script of ours tells what is drawn."""
    (tmp_path / "page.html").write_bytes(page.replace(b"</body>", TELL + b"</body>"))
    browser = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    browser += ["--proxy-server=127.0.0.1:9", "--virtual-time-budget=15000"]
    browser += [f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "page.html").as_uri()]
    done = subprocess.run(browser, capture_output=True, timeout=120, check=True)
    (body,) = [a for tag, a in Read(done.stdout).elements if tag == "body"]
    drawn = " ".join(body["data-drawn"].split())
    assert "Categorical Features (4)" in drawn
    assert [name for name in HOSTILE if name not in drawn] == []
    assert b"<title>&lt;b&gt;people&lt;/b&gt;</title>" in done.stdout

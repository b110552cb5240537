"""The library itself: imported at first use; schemas and queries in its terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from libs.shared.errors import Broken, Invalid
from services.logging.domain.entry import Kind
from services.logging.domain.wanted import AllOf, AnyOf, Glob, Phrase, Shape, Since, Term, Wish, escaped
from services.logging.domain.words import words

if TYPE_CHECKING:
    from types import ModuleType

TIE_BITS = 20
"""The low bits of an order tell entries of one millisecond apart, by their arrival."""
TIES = 1 << TIE_BITS
WORDS = "words"


@cache
def tantivy() -> ModuleType:
    """The library; raises `Broken` where it is not installed."""
    try:
        return import_module("tantivy")
    except ImportError:
        raise Broken("tantivy-missing", "logs need the package tantivy: install orrery[logging]") from None


@contextmanager
def translated(what: str) -> Iterator[None]:
    """The library's errors as ours: it raises ValueError for nearly everything."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        raise Broken("index", f"{what}: {error}", public="the index can't answer this now") from None


def schema_of(kind: Kind) -> Any:
    """`asc` and `desc` sort by time and then by arrival, `ms` is for buckets."""
    builder = tantivy().SchemaBuilder()
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    for name in kind.exact:
        builder.add_text_field(exact(name), tokenizer_name="raw", index_option="basic", fast=name == "source")
    for name in kind.worded:
        builder.add_text_field(worded(name), tokenizer_name=WORDS, index_option="position")
    for name in ("asc", "desc", "ms"):
        builder.add_integer_field(name, fast=True)
    builder.add_bytes_field("body", stored=True)
    return builder.build()


def exact(name: str) -> str:
    """The index's field of whole values."""
    return f"exact_{name}"


def worded(name: str) -> str:
    """The index's field of words."""
    return f"words_{name}"


def opened(kind: Kind, folder: str) -> Any:
    """The index in this folder, made when there is none."""
    library = tantivy()
    with translated(f"the index in {folder} can't be opened"):
        index = library.Index(schema_of(kind), path=folder, reuse=True)
        index.register_tokenizer(WORDS, library.TextAnalyzerBuilder(library.Tokenizer.whitespace()).build())
        index.config_reader(reload_policy="manual")
        return index


class Translation:
    """Wishes into the library's queries, for one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._query = tantivy().Query
        self._occur = tantivy().Occur

    def query(self, wish: Wish) -> Any:
        """The query; raises `Invalid` for a pattern that is too much for the index."""
        match wish:
            case AllOf(parts):
                return self.all_of([self.query(part) for part in parts])
            case AnyOf(parts):
                return self.any_of([self.query(part) for part in parts])
            case Since(ms):
                return self.between(ms << TIE_BITS, None)
            case Term(field, values):
                return self._query.term_set_query(self._schema, exact(field), list(values))
            case Phrase() | Glob() | Shape():
                return self.any_of(self._alternatives(wish))

    def _alternatives(self, wish: Phrase | Glob | Shape) -> list[Any]:
        match wish:
            case Phrase(field, texts, prefix):
                return [self._phrase(worded(field), words(text), prefix) for text in texts]
            case Glob(field, patterns):
                return [self._regex(exact(field), _of_glob(pattern)) for pattern in patterns]
            case Shape(field, patterns):
                return [self._regex(exact(field), pattern) for pattern in patterns]

    def between(self, low: int | None, high: int | None, field: str = "asc") -> Any:
        """From one order to another, both included."""
        if low is None and high is None:
            return self._query.all_query()
        kind = tantivy().FieldType.Integer
        return self._query.range_query(self._schema, field, kind, low, high)

    def all_of(self, parts: Sequence[Any]) -> Any:
        """Every one of these; of none, everything."""
        if not parts:
            return self._query.all_query()
        return self._query.boolean_query([(self._occur.Must, part) for part in parts])

    def any_of(self, parts: Sequence[Any]) -> Any:
        """One of these; of none, nothing."""
        if not parts:
            return self._query.empty_query()
        return self._query.boolean_query([(self._occur.Should, part) for part in parts])

    def _phrase(self, field: str, found: list[str], prefix: bool) -> Any:
        if not found:
            return self._query.empty_query()
        if prefix:
            return self._query.phrase_prefix_query(self._schema, field, list(found))
        if len(found) == 1:
            return self._query.term_query(self._schema, field, found[0])
        return self._query.phrase_query(self._schema, field, list(found))

    def _regex(self, field: str, pattern: str) -> Any:
        try:
            return self._query.regex_query(self._schema, field, pattern)
        except ValueError:
            raise Invalid("pattern", "the pattern is too much for the index: shorten it, use fewer *") from None


def _of_glob(pattern: str) -> str:
    """As a regular expression of the library, everything but `*` and `?` escaped."""
    kinds = {"*": ".*", "?": "."}
    return "".join(kinds.get(character) or escaped(character) for character in pattern)

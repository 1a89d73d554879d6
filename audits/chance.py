"""How schemathesis makes queries of this schema, and what it asks of the answers."""

import datetime
import pathlib
import zlib

import graphql
import schemathesis
from hypothesis import strategies as st
from hypothesis_graphql import nodes

days = st.dates().map(lambda day: day.isoformat())
schemathesis.graphql.scalar("Date", st.one_of(days, st.just("2024-02-29")).map(nodes.String))

# an address that nobody can have
schemathesis.graphql.scalar("URL", st.integers(1, 99).map(lambda number: f"https://hook{number}.invalid/").map(nodes.String))


class _Pages(graphql.Visitor):
    """Leaves one direction of each page: `first` together with `last` is refused, and would hide what lies behind."""

    def __init__(self, choice: int) -> None:
        super().__init__()
        self.choice = choice

    def enter_field(self, node: graphql.FieldNode, *_):
        drop = {0: {"last", "before"}, 1: {"first", "after"}, 2: {"last", "before", "after"}}[self.choice % 3]
        self.choice //= 3
        kept = tuple(argument for argument in node.arguments if argument.name.value not in drop)
        if len(kept) == len(node.arguments):
            return None
        changed = graphql.FieldNode(**{key: getattr(node, key, None) for key in graphql.FieldNode.keys})
        changed.arguments = kept
        return changed


@schemathesis.hook
def map_body(context, body):
    """Of eight queries one stays as it was made."""
    text = graphql.print_ast(body) if isinstance(body, graphql.Node) else body
    chosen = zlib.crc32(text.encode())
    if chosen % 8 == 0:
        return body
    mended = graphql.visit(graphql.parse(text), _Pages(chosen // 8))
    return mended if isinstance(body, graphql.Node) else graphql.print_ast(mended)


SCHEMA = graphql.build_schema((pathlib.Path(__file__).parent.parent / "schema.graphql").read_text())


def _is_of_leaf(leaf, value) -> bool:
    if isinstance(leaf, graphql.GraphQLEnumType):
        return value in leaf.values
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match leaf.name:
        case "Int":
            return isinstance(value, int) and is_number and -(2**31) <= value < 2**31
        case "ByteCount":
            return isinstance(value, int) and is_number and 0 <= value < 2**53
        case "Float":
            return is_number
        case "Boolean":
            return isinstance(value, bool)
        case "Date":
            return isinstance(value, str) and datetime.date.fromisoformat(value).isoformat() == value
        case "DateTime":
            return isinstance(value, str) and datetime.datetime.fromisoformat(value).utcoffset() == datetime.timedelta()
        case "URL":
            return isinstance(value, str) and value.startswith(("http://", "https://"))
        case _:
            return isinstance(value, str)


def _conforms(kind, selections, value, place) -> None:
    """Whether a value is of its type, and has the members that were selected and no others."""
    if isinstance(kind, graphql.GraphQLNonNull):
        assert value is not None, f"{place} is null"
        return _conforms(kind.of_type, selections, value, place)
    if value is None:
        return None
    if isinstance(kind, graphql.GraphQLList):
        assert isinstance(value, list), f"{place} is no list"
        for number, item in enumerate(value):
            _conforms(kind.of_type, selections, item, f"{place}.{number}")
        return None
    if graphql.is_leaf_type(kind):
        assert _is_of_leaf(kind, value), f"{place} is no {kind}: {value!r}"
        return None
    assert isinstance(value, dict), f"{place} is no object"
    known = set()
    for key, field, owner in _members(kind, selections):
        known.add(key)
        if owner is kind and not graphql.is_abstract_type(kind):
            assert key in value, f"{place}.{key} is missing"
        if key in value and owner is not None and field.name.value != "__typename":
            _conforms(owner.fields[field.name.value].type, field.selection_set, value[key], f"{place}.{key}")
    assert set(value) <= known, f"{place} has more than was asked for"
    return None


def _members(kind, selections):
    for selection in selections.selections:
        if isinstance(selection, graphql.InlineFragmentNode):
            condition = selection.type_condition
            yield from _members(SCHEMA.type_map[condition.name.value] if condition else kind, selection.selection_set)
        else:
            key = (selection.alias or selection.name).value
            yield key, selection, None if isinstance(kind, graphql.GraphQLUnionType) else kind


@schemathesis.check
def answer_is_of_the_schema(ctx, response, case) -> None:
    """What schemathesis leaves to the caller: the types of what is answered."""
    data = response.json().get("data")
    if data is None:
        return
    text = case.body if isinstance(case.body, str) else graphql.print_ast(case.body)
    (operation,) = graphql.parse(text).definitions
    root = SCHEMA.get_root_type(operation.operation)
    _conforms(root, operation.selection_set, data, "data")

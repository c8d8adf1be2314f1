"""What lies before an operation, when some kinds are skipped."""

from wolfsbane.audit.operation import Operation
from wolfsbane.audit.traits.chains import before, reached


def inputs_of(operation):
    return operation.inputs


def operation(kind, *inputs):
    return Operation(kind, kind, inputs)


def test_skipped_kinds_are_gone_through_on_every_way_back():
    left, right = operation("linear"), operation("dropout")
    end = operation("softmax", operation("add", operation("view", left), right))
    assert list(before(end, inputs_of, {"add", "view"})) == [right, left]


def test_what_is_not_skipped_ends_its_way():
    hidden = operation("linear")
    shown = operation("dropout", hidden)
    assert list(before(operation("relu", shown), inputs_of, {"relu"})) == [shown]


def test_a_loop_ends():
    class Node:
        kind = "view"

    node = Node()
    assert list(before(node, lambda one: [one], {"view"})) == []


def test_starts_are_reached_themselves():
    start = operation("dropout")
    assert list(reached([start], inputs_of, set())) == [start]

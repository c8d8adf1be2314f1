"""Plan, apply, undo: all or nothing, and the very objects come back."""

import pytest
import torch
from torch.nn import BatchNorm1d, Dropout, Linear, Parameter, ReLU, Sequential

from wolfsbane import nn, surgery
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.surgery.planning.changes import Replace
from wolfsbane.surgery.planning.plan import Plan


def network():
    return Sequential(Linear(4, 4), BatchNorm1d(4), ReLU(), Dropout(0.25), Linear(4, 2))


def test_making_a_plan_changes_nothing():
    model = network()
    before = [(name, id(module)) for name, module in model.named_modules()]
    state = torch.random.get_rng_state()
    str(surgery.convert(model))
    assert [(name, id(module)) for name, module in model.named_modules()] == before
    assert torch.equal(torch.random.get_rng_state(), state)


def test_undo_restores_the_very_objects():
    model = network()
    before = list(model.modules())
    undo = surgery.convert(model).apply()
    assert type(model[3]) is nn.Dropout
    assert undo() is model
    assert all(a is b for a, b in zip(before, model.modules(), strict=True))


def test_plan_shows_what_changes_and_where():
    text = str(surgery.convert(network()))
    assert "convert (Sequential): 2 changes" in text
    assert "1  torch.nn.BatchNorm1d  ->  wolfsbane.nn.BatchNorm1d" in text


def test_plan_that_changes_nothing_says_so():
    plan = surgery.convert(Sequential(Linear(2, 2)))
    assert not plan
    assert str(plan) == "convert (Sequential): nothing to change"
    plan.apply()()


def test_root_is_replaced_and_given_back():
    root = Dropout(0.3)
    undo = surgery.convert(root).apply()
    assert type(undo.model) is nn.Dropout
    assert undo.model.p == 0.3
    assert undo() is root


def test_alias_stays_one_module_in_one_parent_and_in_two():
    shared = Dropout(0.1)
    model = torch.nn.ModuleDict({"a": shared, "b": shared, "c": Sequential(shared)})
    undo = surgery.convert(model).apply()
    assert type(model["a"]) is nn.Dropout
    assert model["a"] is model["b"] is model["c"][0]
    undo()
    assert shared is model["a"] is model["b"] is model["c"][0]


def test_module_used_by_a_shared_parent_is_changed_once():
    block = Sequential(Dropout(0.1))
    model = Sequential(block, block)
    assert len(surgery.convert(model)) == 1


def test_hooks_go_on_and_their_handles_still_remove_them():
    model = network()
    calls = []
    handle = model[3].register_forward_hook(lambda *_: calls.append(1))
    surgery.convert(model).apply()
    model(torch.randn(3, 4))
    handle.remove()
    model(torch.randn(3, 4))
    assert calls == [1]


def test_hook_that_is_removed_meanwhile_does_not_come_back_by_undo():
    model = network()
    calls = []
    handle = model[3].register_forward_hook(lambda *_: calls.append(1))
    undo = surgery.convert(model).apply()
    handle.remove()
    undo()
    model(torch.randn(3, 4))
    assert calls == []


def test_each_module_keeps_its_own_mode():
    model = network()
    model[3].eval()
    undo = surgery.convert(model).apply()
    assert [layer.training for layer in model] == [True, True, True, False, True]
    model.eval()
    model[3].train()
    undo()
    assert [layer.training for layer in model] == [False, False, False, True, False]


def test_mode_set_between_plan_and_apply_is_kept():
    model = network()
    plan = surgery.convert(model)
    model.eval()
    plan.apply()
    assert not any(module.training for module in model.modules())


def test_tensors_and_their_names_are_the_same_ones():
    model = network().double()
    model[1].weight.requires_grad_(False)
    before = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    surgery.convert(model).apply()
    after = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    assert after == before


def test_what_is_learned_and_loaded_after_apply_survives_undo():
    model = network()
    undo = surgery.convert(model).apply()
    model(torch.randn(8, 4) + 3)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(state, assign=True)
    model.double()
    undo()
    after = model.state_dict()
    assert all(torch.equal(after[name].double(), state[name].double()) for name in state)
    assert model[1].running_mean.dtype is torch.float64


def test_plan_is_refused_where_the_model_has_changed_since():
    model = network()
    plan = surgery.convert(model)
    model[3] = ReLU()
    before = list(model.modules())
    with pytest.raises(ModelError, match=r"3 was to hold Dropout, but holds ReLU; .* new plan"):
        plan.apply()
    assert all(a is b for a, b in zip(before, model.modules(), strict=True))


def test_plan_is_applied_once():
    model = network()
    plan = surgery.convert(model)
    plan.apply()
    with pytest.raises(ModelError, match="make a new plan"):
        plan.apply()


def test_plan_can_be_applied_again_after_undo():
    model = network()
    plan = surgery.convert(model)
    plan.apply()()
    plan.apply()
    assert type(model[3]) is nn.Dropout


def test_undo_happens_once_and_in_order():
    model = network()
    undo = surgery.convert(model).apply()
    model[3] = ReLU()
    with pytest.raises(ModelError, match="undo the later change first"):
        undo()
    assert type(model[1]) is nn.BatchNorm1d
    model[3] = undo.plan.changes[1].new
    undo()
    with pytest.raises(ModelError, match="undone before"):
        undo()


def refuse(model):
    del model

    def check(changed):
        assert type(changed[1]) is nn.BatchNorm1d
        raise ModelError("not equal")

    return check


def test_plan_whose_result_is_wrong_is_rolled_back():
    model = network()
    before = list(model.modules())
    made = surgery.convert(model)
    plan = Plan(verb="convert", model=model, changes=made.changes, verify=refuse)
    with pytest.raises(ModelError, match="not equal"):
        plan.apply()
    assert all(a is b for a, b in zip(before, model.modules(), strict=True))


def test_module_in_a_plain_list_is_reported():
    model = network()
    model.dropouts = [model[3]]
    text = str(surgery.convert(model))
    assert "attribute 'dropouts'" in text
    assert "keeps the old ones" in text


def test_class_of_its_own_is_left_and_named():
    class Mine(Dropout):
        def forward(self, input):
            return input

    model = Sequential(Mine(), Dropout())
    model[1].forward = torch.relu
    plan = surgery.convert(model)
    assert not plan
    assert "Mine is a class of its own" in str(plan)
    assert "its forward was replaced on this object" in str(plan)


def replacing_the_last(model, optimizer):
    old, new = model[4], Linear(4, 2)
    extra = Parameter(torch.zeros(2))
    new.register_parameter("extra", extra)
    new.register_parameter("bias", None)
    change = Replace(
        path="4",
        before="Linear",
        after="Linear",
        slots=tuple(m.slots[0] for m in surgery.planning.plan.members(model) if m.module is old),
        old=old,
        new=new,
        keys={"bias": None},
        added=("extra",),
    )
    return Plan(
        verb="replace",
        model=model,
        changes=(change,),
        optimizers=(optimizer,),
        successors={old.weight: new.weight},
        beside={extra: new.weight},
    )


def step(model, optimizer):
    optimizer.zero_grad()
    model(torch.randn(8, 4)).pow(2).sum().backward()
    optimizer.step()


def test_optimizer_s_groups_are_swapped_in_place_and_back():
    model = network()
    groups = [{"params": list(model[:4].parameters())}, {"params": model[4].parameters()}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    step(model, optimizer)
    lists = [group["params"] for group in optimizer.param_groups]
    before = [list(held) for held in lists]
    old = model[4]
    momenta = {p: optimizer.state[p]["momentum_buffer"] for p in old.parameters()}
    plan = replacing_the_last(model, optimizer)
    assert plan.keys == {"4.bias": None}
    assert plan.added_keys == ["4.extra"]
    undo = plan.apply()
    assert [group["params"] for group in optimizer.param_groups][1] is lists[1]
    assert [id(p) for p in lists[1]] == [id(model[4].weight), id(model[4].extra)]
    assert optimizer.state[model[4].weight]["momentum_buffer"] is momenta[old.weight]
    assert old.bias not in optimizer.state
    step(model, optimizer)
    undo()
    for held, wanted in zip(lists, before, strict=True):
        assert all(a is b for a, b in zip(held, wanted, strict=True))
    for parameter, momentum in momenta.items():
        assert optimizer.state[parameter]["momentum_buffer"] is momentum
    assert len(optimizer.state) == len(list(model.parameters()))


def test_optimizer_of_another_model_is_refused():
    with pytest.raises(ArgumentError, match="holds none of the model's parameters"):
        surgery.convert(network(), optimizers=[torch.optim.SGD(network().parameters())])


def test_optimizers_may_come_from_a_generator():
    model = network()
    optimizer = torch.optim.SGD(model.parameters())
    assert surgery.convert(model, optimizers=(o for o in [optimizer])).optimizers == (optimizer,)


def test_no_optimizers_at_all_are_explained():
    with pytest.raises(ArgumentTypeError, match=r"Pass optimizers=\[optimizer\]"):
        surgery.convert(network(), optimizers=None)


def test_optimizer_that_is_not_in_a_list_is_explained():
    model = network()
    with pytest.raises(ArgumentTypeError, match=r"Pass optimizers=\[optimizer\]"):
        surgery.convert(model, optimizers=torch.optim.SGD(model.parameters()))


def test_module_that_contains_itself_is_walked_once():
    model = network()
    model.add_module("myself", model)
    assert len(surgery.convert(model)) == 2


def test_plan_for_a_module_that_is_no_longer_part_of_the_model_is_refused():
    model = Sequential(nn.BatchNormAct1d(4, "relu"))
    plan = surgery.insert_dropout(model, after="0")
    surgery.revert(model).apply()
    with pytest.raises(ModelError, match="0 is no longer a part of the model: make a new plan"):
        plan.apply()


def test_undo_that_would_lose_a_later_change_inside_is_refused():
    model = Sequential(Linear(4, 4), BatchNorm1d(4), ReLU())
    first = surgery.insert_dropout(model, after=ReLU).apply()
    second = surgery.swap_activation(model, {ReLU: torch.nn.SiLU}).apply()
    with pytest.raises(ModelError, match="the ReLU in 2 was replaced after this plan"):
        first()
    second()
    assert type(first()[2]) is ReLU


def test_interrupt_in_the_middle_puts_everything_back(monkeypatch):
    model = network()
    before = [(path, id(m), m.training) for path, m in model.named_modules()]
    do = Replace.do

    def do_and_stop(change):
        do(change)
        if change.path == "3":
            raise KeyboardInterrupt

    monkeypatch.setattr(Replace, "do", do_and_stop)
    with pytest.raises(KeyboardInterrupt):
        surgery.convert(model).apply()
    assert [(path, id(m), m.training) for path, m in model.named_modules()] == before


def test_plan_for_a_place_that_is_no_longer_part_of_the_model_is_refused():
    model = Sequential(nn.ConcreteDropout(Linear(4, 4), 10))
    plan = surgery.swap_activation(model, {Linear: lambda old: ReLU()})
    surgery.remove_dropout(model).apply()
    with pytest.raises(ModelError, match=r"0\.module is no longer a part of the model"):
        plan.apply()

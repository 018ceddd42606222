"""Names on hubs: the alias a name is, made on first use, and the model it leads to."""

from collections.abc import Iterable, Sequence, Set

from catalogue.concerns import note_look_alikes, note_look_alikes_of
from catalogue.hub import Reference
from catalogue.lookalikes import skeleton
from catalogue.models import Alias, Lookup, Model
from lib.wake import wake

Name = tuple[str, str]  # hub and name


def name_model(reference: Reference) -> Alias:
    """The alias `reference` names, known from now on, and due to be looked up at once if it is new.

    Call it in the transaction that needs the alias.
    """
    return name_models([reference])[0]


def name_models(references: Sequence[Reference]) -> list[Alias]:
    """As `name_model`, for many by as many statements; in one order for all, so that nobody deadlocks."""
    wanted: dict[Name, Reference] = {}
    for reference in references:
        wanted.setdefault((reference.hub, reference.name.lower()), reference)
    aliases = find_aliases(wanted)
    aliases |= _add([wanted[key] for key in sorted(wanted.keys() - aliases.keys())])
    named = [aliases[one.hub, one.name.lower()] for one in references]
    _ask({(alias.pk, each) for one, alias in zip(references, named, strict=True) for each in ("", one.revision)})
    return named


def add_name(model: Model, name: str) -> None:
    """The model goes by `name` from now on, unless that name is known already."""
    if find_alias(model.hub, name) is None:
        alias, created = _get_or_create_alias(Reference(model.hub, name), model)
        # The hub's own name for it is asked about from now on: the old one may come to lead elsewhere.
        Lookup.objects.get_or_create(alias=alias, revision="")
        if created:
            note_look_alikes(alias)
        if created and model.watched:
            note_look_alikes_of(model)


def find_alias(hub: str, name: str) -> Alias | None:
    """The alias with that name, letter case aside."""
    if "\x00" in name:  # which PostgreSQL cannot even compare with
        return None
    rows = Alias.objects.select_related("model")
    return rows.filter(hub=hub, name_key=name.lower()).first()


def find_aliases(names: Iterable[Name]) -> dict[Name, Alias]:
    """The aliases with these names, by hub and name without letter case; one query."""
    wanted = {(hub, name.lower()) for hub, name in names if "\x00" not in name}
    if not wanted:
        return {}
    rows = Alias.objects.filter(hub__in={hub for hub, _ in wanted}, name_key__in={key for _, key in wanted})
    found = {(alias.hub, alias.name_key): alias for alias in rows.select_related("model")}
    return {key: found[key] for key in sorted(wanted & found.keys())}


def names_of(model: Model) -> list[str]:
    """Every name the model goes or went by."""
    return list(model.aliases.values_list("name", flat=True))


def _add(references: Sequence[Reference]) -> dict[Name, Alias]:
    """Aliases for names that were not found, each with a model of its own unless another transaction has added it."""
    if not references:
        return {}
    models = Model.objects.bulk_create(Model(hub=one.hub, name=one.name) for one in references)
    Alias.objects.bulk_create(
        (
            Alias(hub=one.hub, name=one.name, model=model, skeleton=skeleton(one.name))
            for one, model in zip(references, models, strict=True)
        ),
        ignore_conflicts=True,
    )
    aliases = find_aliases((one.hub, one.name) for one in references)
    if len(aliases) < len(references):
        raise RuntimeError(f"one of the names from {references[0].name} on was neither found nor added")
    made = {model.pk for model in models}
    note_look_alikes(*(alias for alias in aliases.values() if alias.model_id in made))
    Model.objects.filter(pk__in=made - {alias.model_id for alias in aliases.values()}).delete()
    return aliases


def _ask(wanted: Set[tuple[int, str]]) -> None:
    """Has hubs asked about aliases at revisions, which nobody wanted to know of before."""
    rows = Lookup.objects.filter(alias__in={alias for alias, _ in wanted}, revision__in={each for _, each in wanted})
    missing = wanted - set(rows.values_list("alias", "revision"))
    if missing:
        lookups = (Lookup(alias_id=alias, revision=revision) for alias, revision in sorted(missing))
        Lookup.objects.bulk_create(lookups, ignore_conflicts=True)
        wake("model named")


def _get_or_create_alias(reference: Reference, model: Model) -> tuple[Alias, bool]:
    """As get_or_create, for a name that another transaction may be adding in other letter case."""
    wanted = Alias(hub=reference.hub, name=reference.name, model=model, skeleton=skeleton(reference.name))
    Alias.objects.bulk_create([wanted], ignore_conflicts=True)
    alias = find_alias(reference.hub, reference.name)
    if alias is None:
        raise RuntimeError(f"the name {reference.name} was neither found nor added")
    return alias, alias.model_id == model.pk

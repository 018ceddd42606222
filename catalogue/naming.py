"""Names on hubs: the alias a name is, made on first use, and the model it leads to."""

from catalogue.concerns import note_look_alikes, note_look_alikes_of
from catalogue.hub import Reference
from catalogue.lookalikes import skeleton
from catalogue.models import Alias, Lookup, Model
from lib.wake import wake


def name_model(reference: Reference) -> Alias:
    """The alias `reference` names, known from now on, and due to be looked up at once if it is new.

    Call it in the transaction that needs the alias.
    """
    alias = find_alias(reference.hub, reference.name)
    if alias is None:
        model = Model.objects.create(hub=reference.hub, name=reference.name)
        alias, created = _get_or_create_alias(reference, model)
        if created:
            note_look_alikes(alias)
        else:
            model.delete()
    wanted = {"", reference.revision}
    known = Lookup.objects.filter(alias=alias, revision__in=wanted).values_list("revision", flat=True)
    for revision in wanted.difference(known):
        _, created = Lookup.objects.get_or_create(alias=alias, revision=revision)
        if created:
            wake("model named")
    return alias


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


def names_of(model: Model) -> list[str]:
    """Every name the model goes or went by."""
    return list(model.aliases.values_list("name", flat=True))


def _get_or_create_alias(reference: Reference, model: Model) -> tuple[Alias, bool]:
    """As get_or_create, for a name that another transaction may be adding in other letter case."""
    wanted = Alias(hub=reference.hub, name=reference.name, model=model, skeleton=skeleton(reference.name))
    Alias.objects.bulk_create([wanted], ignore_conflicts=True)
    alias = find_alias(reference.hub, reference.name)
    if alias is None:
        raise RuntimeError(f"the name {reference.name} was neither found nor added")
    return alias, alias.model_id == model.pk

"""How far what we derive agrees with what Model Openness Framework files attest, for models on the Hugging Face Hub.

    python -m tests.bench.openness_agreement <folder of mof.settings.yml and models/> [<folder of recorded answers>]

The first is a copy of github.com/lfai/model_openness_tool; the second holds answers of the Hub as JSON, one a file,
with `body`, and is looked for in `hubs/huggingface` two folders up. Nothing is asked of the network: a model without a
recorded answer cannot be compared, and counts as such.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from catalogue.huggingface_evidence import evidence_of
from catalogue.licences import osi_approved
from catalogue.mof import PAPER, PARAMETERS, REPORT, Attested, Release, Standing, UnreadableMofError, read_release
from catalogue.openness import Dimension, OpennessEvidence, Profile, assess

DAY = date(2026, 1, 1)  # of no consequence here
EXAMPLES = 4

# Which components of the framework a dimension speaks of; any one of them attests it.
COMPONENTS = {
    Dimension.WEIGHTS: (PARAMETERS,),
    Dimension.ARCHITECTURE: ("Model architecture",),
    Dimension.INFERENCE_CODE: ("Inference code",),
    Dimension.TRAINING_CODE: ("Training code",),
    Dimension.TRAINING_DATA: ("Datasets",),
    Dimension.EVALUATION: ("Evaluation results",),
    Dimension.CARD: ("Model card",),
    Dimension.PAPER: (PAPER, REPORT),
}
NO = {"none_found", "not_declared", "not_reported", "absent"}

Tally = dict[str, list[str]]


def read_files(folder: Path) -> tuple[dict[str, Release], Tally]:
    """Every model file by its name, and the names of those refused, by reason."""
    releases, refused = {}, defaultdict(list)
    for path in sorted((folder / "models").glob("*.yml")):
        try:
            releases[path.stem] = read_release(path.read_text("utf-8"))
        except UnreadableMofError as error:
            refused[str(error)].append(path.stem)
    return releases, refused


def recorded(folder: Path) -> dict[str, OpennessEvidence]:
    """The evidence in each recorded answer that carries more than what was asked for, by lower-case name."""
    bodies = (json.loads(path.read_text("utf-8")).get("body") for path in sorted(folder.glob("*.json")))
    full = (body for body in bodies if isinstance(body, dict) and "siblings" in body)
    return {body["id"].lower(): evidence_of(body, on=DAY) for body in full}


# --- The comparisons: each puts a name under a kind ------------------------------------------------------------------


def has(dimension: Dimension, profile: Profile, release: Release) -> str:
    """Whether hub and file agree that the model has something."""
    value = profile.answers[dimension].value
    attested = any(release.by_component[name].standing is not Standing.NOT_INCLUDED for name in COMPONENTS[dimension])
    if value is None:
        return "not comparable: hub unknown, file " + ("attests it" if attested else "leaves it out")
    if (value not in NO) == attested:
        return "agree: both have it" if attested else "agree: neither has it"
    return "file attests it, hub shows none" if attested else "hub shows it, file leaves it out"


def licence(evidence: OpennessEvidence, release: Release) -> str:
    """Whether hub and file name the same licence for the final parameters."""
    entry = release.by_component[PARAMETERS]
    claims = evidence.claims
    if not claims or not claims[0].licence:
        return "not comparable: no licence on the hub that we know"
    if entry.licence is None:
        return f"hub claims one, file says: {entry.standing}"
    return "agree" if {claim.licence for claim in claims} == {entry.licence} else "another licence"


def osi(evidence: OpennessEvidence, release: Release) -> str:
    """Whether hub and file come to the same answer of OSI for the final parameters."""
    approved, entry = osi_approved(evidence.claims), release.by_component[PARAMETERS]
    if approved is None or entry.licence is None or entry.licence.osi_approved is None:
        return "not comparable: hub or file names no licence that we know"
    return "agree" if approved == entry.licence.osi_approved else f"hub: {approved}, file: {not approved}"


def ruled_out(profile: Profile, release: Release) -> str:
    """Whether both rule out class III, the least open."""
    derived, attested = bool(profile.classes[0].reasons), bool(release.classes()[0].reasons)
    if derived == attested:
        return "agree: both rule it out" if derived else "agree: neither rules it out"
    return "only the hub's evidence rules it out" if derived else "only the file rules it out"


def wording(entry: Attested) -> str:
    """How the licence of a component is worded, and whether we can tell which it is."""
    if entry.standing is Standing.UNREAD:
        return "not recognised" if entry.licence is None else "recognised, its restrictions not established"
    if entry.licence is None:
        return f"no licence: {entry.standing}"
    verbatim = entry.text == entry.licence.spdx
    return "SPDX id, letter for letter" if verbatim else "read by our table, though not an SPDX id letter for letter"


def compare(releases: Mapping[str, Release], answers: Mapping[str, OpennessEvidence]) -> dict[str, Tally]:
    """Each dimension's kinds of agreement and disagreement, with the files of each kind."""
    table: dict[str, Tally] = defaultdict(lambda: defaultdict(list))
    for name, release in releases.items():
        evidence = answers.get(release.model.lower())
        if evidence is None:
            continue
        profile = assess(evidence)
        for dimension in COMPONENTS:
            table[dimension][has(dimension, profile, release)].append(name)
        table["licence of the parameters"][licence(evidence, release)].append(name)
        table["OSI-approved or not"][osi(evidence, release)].append(name)
        table["class III cannot be reached"][ruled_out(profile, release)].append(name)
    return table


# --- The report ------------------------------------------------------------------------------------------------------


def show(title: str, tally: Mapping[str, Iterable[str]]) -> None:
    """One table: how many of each kind, the most frequent first, with examples."""
    print(f"\n{title}")
    for kind, names in sorted(tally.items(), key=lambda item: -len(list(item[1]))):
        distinct = Counter(names)
        examples = ", ".join(name for name, _ in distinct.most_common(EXAMPLES))
        print(f"  {sum(distinct.values()):5}  {kind}: {examples}{', …' if len(distinct) > EXAMPLES else ''}")


def show_dimension(title: str, kinds: Tally) -> None:
    """One dimension: models comparable, agreements, and each kind of disagreement."""
    comparable = {kind: names for kind, names in kinds.items() if not kind.startswith("not comparable")}
    agreeing = sum(len(names) for kind, names in comparable.items() if kind.startswith("agree"))
    show(f"{title}: {sum(map(len, comparable.values()))} comparable, {agreeing} agree", kinds)


def show_licences(releases: Mapping[str, Release]) -> None:
    """Every licence statement of the files against our table."""
    words: Tally = defaultdict(list)
    approved: Tally = defaultdict(list)
    for entry in (entry for release in releases.values() for entry in release.attested):
        words[wording(entry)].append(entry.text or "(nothing)")
        if entry.licence:
            approved[str(entry.licence.osi_approved)].append(entry.licence.spdx or entry.licence.name)
    show("Components listed, by how their licence is worded", words)
    show("Licences recognised, by OSI's answer", approved)


def show_classes(releases: Mapping[str, Release]) -> None:
    """What the files themselves rule out."""
    answers: Tally = defaultdict(list)
    for name, release in releases.items():
        out = [answer.mof_class.value for answer in release.classes() if answer.reasons]
        answers["ruled out: " + (", ".join(out) or "none")].append(name)
    show("Classes that the files themselves rule out", answers)
    reasons: Tally = defaultdict(list)
    for name, release in releases.items():
        for reason in release.classes()[0].reasons:
            entry = release.by_component[reason.component]
            reasons[f"{reason.component}: {entry.standing}"].append(name)
    show("Why class III is ruled out, a file with several reasons under each", reasons)


def show_twins(releases: Mapping[str, Release]) -> None:
    """Models that two files describe, and the components on which the files differ."""
    files: Tally = defaultdict(list)
    for name, release in releases.items():
        if release.model:
            files[release.model.lower()].append(name)
    twins: Tally = {model: names for model, names in files.items() if len(names) > 1}
    differing = {model: differences([releases[name] for name in names]) for model, names in twins.items()}
    print(f"\nModels described by more than one file: {len(twins)}")
    for model, components in differing.items():
        print(f"  {model} ({', '.join(twins[model])}): {', '.join(components) or 'the same'}")


def differences(releases: Iterable[Release]) -> list[str]:
    """The components on which files about one model differ in standing or licence."""
    stated: dict[str, set[tuple[Standing, str]]] = defaultdict(set)
    for release in releases:
        for name, entry in release.by_component.items():
            stated[name].add((entry.standing, entry.licence.id if entry.licence else ""))
    return [name for name, versions in stated.items() if len(versions) > 1]


def main(folder: Path, answers_folder: Path) -> None:
    """Prints the whole comparison."""
    releases, refused = read_files(folder)
    on_hub = {name: release for name, release in releases.items() if release.hub_text}
    named = {name: release for name, release in on_hub.items() if release.model}
    answers = recorded(answers_folder)
    models = {release.model.lower() for release in named.values()}
    both = models & answers.keys()
    comparable = sum(release.model.lower() in both for release in named.values())
    print(f"Model files: {len(releases)} read, {sum(map(len, refused.values()))} refused {dict(refused)}")
    print(f"With a Hugging Face entry: {len(on_hub)}; it names a model in {len(named)}, {len(models)} different ones")
    print(f"Without: {', '.join(f'{name} ({on_hub[name].hub_text})' for name in on_hub.keys() - named.keys())}")
    print(f"Recorded answers of the Hub: {len(answers)}; of a model named: {len(both)}, in {comparable} files")
    print(f"Not comparable with the Hub, for want of a recorded answer: {len(on_hub) - comparable} files")
    show_licences(on_hub)
    show_classes(on_hub)
    show_twins(named)
    print(f"\nDerived from the Hub's answer against the file, {comparable} files:")
    for title, kinds in compare(named, answers).items():
        show_dimension(title, kinds)


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    given = [Path(argument) for argument in sys.argv[1:]]
    main(given[0], given[1] if len(given) > 1 else given[0].resolve().parents[1] / "hubs" / "huggingface")

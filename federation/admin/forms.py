"""The forms of operators: whom to follow, and what is taken of them."""

from typing import Any

from django import forms

from federation.models import Acceptance, Peer
from incidents.taxonomy import OWN, taxonomies

_SAID = {
    Acceptance.PUBLISH: "Show them at once",
    Acceptance.MODERATE: "Let each wait for a moderator",
    Acceptance.REJECT: "Pass over them",
}
ACCEPTANCES = [(value.value, said) for value, said in _SAID.items()]


class AddForm(forms.Form):
    """Where a node answers, and the key that its operators gave by another way."""

    node = forms.CharField(
        label="Where it answers",
        max_length=400,
        help_text="Such as https://faultline.example",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    vkey = forms.CharField(
        label="Key",
        max_length=400,
        help_text="As its operators gave it to you, not as the node states it: name+id+key. `node_key list` prints it.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
    )
    acceptance = forms.ChoiceField(label="Its records", choices=ACCEPTANCES, initial=Acceptance.MODERATE)

    def clean_node(self) -> str:
        """A bare name is meant with https."""
        given = str(self.cleaned_data["node"]).strip()
        return given if "://" in given else f"https://{given}"


class PolicyForm(forms.Form):
    """What is taken over of a peer by itself."""

    acceptance = forms.ChoiceField(label="Its records", choices=ACCEPTANCES)
    by_category = forms.CharField(
        label="Categories that are treated otherwise",
        required=False,
        max_length=4000,
        help_text="One in a line: a category, and publish, moderate or reject. What is below one is as it is.",
        widget=forms.Textarea(attrs={"rows": 3, "cols": 40}),
    )
    licences = forms.CharField(
        label="Licences",
        required=False,
        max_length=500,
        help_text="Under which its records must be to be taken, separated by spaces. None: any.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    most_entries = forms.IntegerField(label="Entries that one run reads", min_value=1, max_value=1_000_000)
    most_object_bytes = forms.IntegerField(label="Bytes of a signed object", min_value=1_000, max_value=50_000_000)

    @classmethod
    def of(cls, peer: Peer) -> "PolicyForm":
        """As it stands."""
        lines = [f"{code} {value}" for code, value in sorted(peer.acceptance_by_category.items())]
        return cls(
            initial={
                "acceptance": peer.acceptance,
                "by_category": "\n".join(lines),
                "licences": " ".join(peer.licences),
                "most_entries": peer.most_entries,
                "most_object_bytes": peer.most_object_bytes,
            }
        )

    def clean_by_category(self) -> dict[str, str]:
        """By code."""
        return dict(_by_category(line) for line in self.cleaned_data["by_category"].splitlines() if line.strip())

    def clean_licences(self) -> list[str]:
        """In order, each once."""
        named = list(dict.fromkeys(self.cleaned_data["licences"].replace(",", " ").split()))
        if any(len(one) > 40 for one in named):  # noqa: PLR2004 - the column
            raise forms.ValidationError("A licence is named by its SPDX identifier, such as CC-BY-4.0.")
        return named

    def policy(self) -> dict[str, Any]:
        """The arguments of `peering.set_policy`."""
        return dict(self.cleaned_data)


def _by_category(line: str) -> tuple[str, str]:
    code, _, acceptance = line.strip().partition(" ")
    if taxonomies()[OWN].term(code) is None:
        raise forms.ValidationError(f"{code[:80]} is no category.")
    if acceptance.strip() not in Acceptance.values:
        raise forms.ValidationError(f"{code}: say publish, moderate or reject.")
    return code, acceptance.strip()

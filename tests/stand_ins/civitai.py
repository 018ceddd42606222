"""A stand-in for Civitai's API, over real HTTP on loopback.

In a test: `with StandInCivitai([example_model(4384)]) as hub: settings.HUB_ENDPOINTS = {"civitai": hub.url}`.
By hand:   `python -m tests.stand_ins.civitai --port 8906`.
"""

import argparse
import json
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from tests.stand_ins import huggingface
from tests.stand_ins.huggingface import PAGE, StandInHub, digits

JSON = {"Content-Type": "application/json; charset=utf-8"}


def example_file(name: str, size: int = 2_132_625_894, **overrides: object) -> dict:
    """A file as a version lists it; `size` in bytes."""
    return {
        "id": 1,
        "sizeKB": size / 1024,
        "name": name,
        "type": "Model",
        "pickleScanResult": "Success",
        "pickleScanMessage": "No Pickle imports",
        "virusScanResult": "Success",
        "virusScanMessage": None,
        "scannedAt": "2024-02-03T05:06:07.000Z",
        "metadata": {"format": "SafeTensor", "size": "pruned", "fp": "fp16"},
        "hashes": {"AutoV2": digits(name, 10).upper(), "SHA256": digits(name, 64).upper(), "CRC32": "0A1B2C3D"},
        "primary": True,
    } | overrides


def example_version(number: int, **overrides: object) -> dict:
    """A version as a model's document has it."""
    return {
        "id": number,
        "index": 0,
        "name": f"v{number}",
        "baseModel": "SD 1.5",
        "baseModelType": "Standard",
        "publishedAt": "2024-06-07T08:09:10.000Z",
        "availability": "Public",
        "nsfwLevel": 1,
        "usageControl": "Download",
        "stats": {"downloadCount": 100, "thumbsUpCount": 7, "thumbsDownCount": 0},
        "files": [example_file(f"model_v{number}.safetensors")],
        "images": [],
    } | overrides


def example_model(number: int, **overrides: object) -> dict:
    """A made-up model's document in the form of the site's answers, its newest version first."""
    return {
        "id": number,
        "name": "Made Up",
        "description": "<p>Made up.</p>",
        "allowNoCredit": True,
        "allowCommercialUse": ["Image", "RentCivit"],
        "allowDerivatives": True,
        "allowDifferentLicense": False,
        "type": "Checkpoint",
        "minor": False,
        "poi": False,
        "nsfw": False,
        "nsfwLevel": 1,
        "stats": {"downloadCount": 4321, "thumbsUpCount": 12, "thumbsDownCount": 1, "commentCount": 2},
        "creator": {"username": "acme", "image": None},
        "tags": ["base model", "photorealistic"],
        "modelVersions": [example_version(number * 10 + 2), example_version(number * 10 + 1)],
    } | overrides


class StandInCivitai(StandInHub):
    """Serves models by number."""

    def __init__(self, models: Iterable[dict] = (), *, port: int = 0) -> None:
        self.documents: dict[str, dict] = {}
        super().__init__(port=port)
        self._server.RequestHandlerClass = type("Handler", (_Handler,), {"hub": self})
        for document in models:
            self.add(document)

    def add(self, document: dict) -> None:
        """Adds a model, or puts it in place of the one with its number."""
        self.documents[str(document["id"])] = document

    def archive(self, number: int) -> None:
        """As the publisher does: the versions stay, their files do not."""
        versions = [version | {"files": []} for version in self.documents[str(number)]["modelVersions"]]
        self.documents[str(number)] |= {"mode": "Archived", "modelVersions": versions}

    def take_down(self, number: int) -> None:
        """As the site does: the files stay listed, the images do not."""
        self.documents[str(number)] |= {"mode": "TakenDown"}


class _Handler(huggingface._Handler):
    hub: StandInCivitai
    left, reset = 499, 290.0  # what Hugging Face says with every answer

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self.hub.requests.append((self.command, self.path))
        self.hub.authorizations.append(self.headers.get("Authorization"))
        start, _, number = unquote(urlsplit(self.path).path).rpartition("/")
        if start != "/api/v1/models":
            return self.say(404, {"Content-Type": "text/html"}, PAGE)
        if fault := self.hub.faults.get(number):
            return getattr(self, fault)()
        if number not in self.hub.documents:
            return self.tell(404, {"error": f"No model with id {number}"})
        return self.tell(200, self.hub.documents[number])

    def tell(self, status: int, document: object, headers: dict | None = None) -> None:
        self.say(status, JSON | (headers or {}), json.dumps(document).encode())

    # What can go wrong, by name; more of it in the stand-in this one inherits from.

    def bad_token(self) -> None:
        self.tell(401, {"error": "Unauthorized"})

    def bad_number(self) -> None:
        self.tell(400, {"error": "Too big: expected number to be <=2147483647"})

    def blocked_for_legal_reasons(self) -> None:
        self.tell(451, {"error": "Not available in your region"})

    def rate_limited(self) -> None:
        self.tell(429, {"error": "Too many requests"}, {"Retry-After": "55"})

    def another_model(self) -> None:
        self.tell(200, example_model(1))

    def without_number(self) -> None:
        self.tell(200, {"name": "Made Up"})


def main() -> None:
    """Serves a few made-up models until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8906)
    hub = StandInCivitai([example_model(4384), example_model(7), example_model(8)], port=parser.parse_args().port)
    hub.archive(7)
    hub.take_down(8)
    print(f"{hub.url} serves {', '.join(hub.documents)}")
    hub.serve()


if __name__ == "__main__":
    main()

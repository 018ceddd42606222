"""A stand-in for the models of Kaggle's API, over real HTTP on loopback.

In a test: `with StandInKaggle([example_variation("acme/bert/pyTorch/base")]) as hub: ... {"kaggle": hub.url}`.
By hand:   `python -m tests.stand_ins.kaggle --port 8904`.
"""

import argparse
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote

from tests.stand_ins.modelscope import PAGE, Answering, StandIn, digits


def example_variation(name: str, **overrides: object) -> dict:
    """A made-up variation's document in the form of Kaggle's answers."""
    _, _, framework, variation = name.split("/")
    return {
        "id": int(digits(name, 6), 16) + 1,
        "slug": variation,
        "framework": framework,
        "fineTunable": True,
        "overview": "Made up.",
        "versionId": 77,
        "versionNumber": 3,
        "url": f"https://www.kaggle.com/models/{name}",
        "licenseName": "Apache 2.0",
        "modelInstanceType": "MODEL_INSTANCE_TYPE_BASE_MODEL",
        "baseModelInstanceInformation": None,
        "externalBaseModelUrl": "",
        "totalUncompressedBytes": "5000000700",
    } | overrides


def example_model(name: str, **overrides: object) -> dict:
    """A made-up model's document in the form of Kaggle's answers."""
    variation = example_variation(f"{name}/pyTorch/base")
    return {
        "id": int(digits(name, 6), 16) + 1,
        "ref": name,
        "title": name,
        "author": "Acme",
        "slug": name.partition("/")[2],
        "isPrivate": False,
        "instances": [variation, variation | {"licenseName": "Gemma"}],
        "tags": [{"ref": "nlp", "name": "NLP"}],
        "publishTime": "2024-02-03T04:05:06.0566667Z",
        "updateTime": "2024-06-07T08:09:10Z",
        "voteCount": 12,
    } | overrides


class StandInKaggle(StandIn):
    """Serves models and variations; `listings` are the files by variation and version."""

    def __init__(self, documents: dict[str, dict] | None = None, *, port: int = 0) -> None:
        self.documents: dict[str, dict] = {}
        self.listings: dict[tuple[str, str], dict] = {}
        self.files_faults: dict[str, str] = {}
        super().__init__(_Handler, port=port)
        for name, document in (documents or {}).items():
            self.documents[name] = document
            for version in ("1", "3"):  # the second was deleted
                self.list_files(
                    name, version, [{"name": "model.pt", "size": "5000000000"}, {"name": "config.json", "size": 700}]
                )

    def list_files(self, name: str, version: str, files: Iterable[dict], next_page: str = "") -> None:
        """What is listed at a version."""
        self.listings[name, version] = {"files": list(files), "nextPageToken": next_page}


class _Handler(Answering):
    hub: StandInKaggle

    def route(self, address: SplitResult) -> None:
        path = unquote(address.path).removeprefix("/api/v1/models/")
        name, _, verb = path.rpartition("/")
        if verb == "get":
            self.model(name)
        elif verb == "files":
            self.listing(*name.rsplit("/", 1))
        else:
            self.say(404, {"Content-Type": "text/html"}, PAGE)

    def model(self, name: str) -> None:
        if fault := self.hub.faults.get(name):
            return getattr(self, fault)()
        if name not in self.hub.documents:
            return self.private()
        return self.tell(200, self.hub.documents[name])

    def listing(self, name: str, version: str) -> None:
        if fault := self.hub.files_faults.get(name):
            return getattr(self, fault)()
        if (name, version) not in self.hub.listings:
            return self.tell(404, {"code": 404, "message": "Not found"})
        return self.tell(200, self.hub.listings[name, version])

    # What can go wrong, by name.

    def private(self) -> None:
        self.tell(403, {"code": 403, "message": "Permission 'models.get' was denied"})

    def missing_with_status_200(self) -> None:
        self.tell(200, {"code": 404, "message": "Not found"})

    def bad_token(self) -> None:
        self.tell(401, {"code": 401, "message": "Unauthenticated"})

    def rate_limited(self) -> None:
        self.tell(429, {"code": 429, "message": "Too many requests"}, {"Retry-After": "55"})

    def rate_limited_with_status_200(self) -> None:
        self.tell(200, {"code": 429, "message": "Too many requests"})

    def failed_with_status_200(self) -> None:
        self.tell(200, {"code": 500, "message": "Internal error"})


def main() -> None:
    """Serves a made-up variation until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8904)
    name = "acme/bert/pyTorch/base"
    hub = StandInKaggle({name: example_variation(name)}, port=parser.parse_args().port)
    print(f"{hub.url} serves {', '.join(hub.documents)}")
    hub.serve()


if __name__ == "__main__":
    main()

"""Signatures of objects, against another implementation."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as theirs
from joserfc.jwk import OKPKey

from lib import jws
from lib.jws import BadSignatureError

ONE, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (7, 8))
PUBLIC = jws.public_bytes(ONE)


@given(st.binary(max_size=300))
def test_another_implementation_verifies_what_we_sign(payload):
    text = jws.sign(payload, ONE)
    found = theirs.deserialize_json(json.loads(text), OKPKey.import_key(jws.jwk(PUBLIC)), algorithms=["EdDSA"])
    assert found.payload == payload
    read, signatures = jws.read(text)
    assert read == payload
    jws.check_all(signatures, {jws.thumbprint(PUBLIC): PUBLIC})


def test_the_thumbprint_is_that_of_the_standard():
    # RFC 8037, appendix A.3.
    public = jws.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert jws.thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert OKPKey.import_key(jws.jwk(public)).thumbprint() == jws.thumbprint(public)


def test_several_sign_one_payload():
    text = jws.sign(b"keys", ONE, OTHER)
    for private in (ONE, OTHER):
        mine = OKPKey.import_key(
            {**jws.jwk(jws.public_bytes(private)), "kid": jws.thumbprint(jws.public_bytes(private))}
        )
        one = next(
            s
            for s in json.loads(text)["signatures"]
            if jws.thumbprint(jws.public_bytes(private)) in str(jws.decode(s["protected"]))
        )
        flat = {"payload": json.loads(text)["payload"], **one}
        assert theirs.deserialize_json(flat, mine, algorithms=["EdDSA"]).payload == b"keys"
    _, signatures = jws.read(text)
    publics = {jws.thumbprint(jws.public_bytes(private)): jws.public_bytes(private) for private in (ONE, OTHER)}
    jws.check_all(signatures, publics)
    for kid, public in publics.items():
        with pytest.raises(BadSignatureError, match="other keys"):
            jws.check_all(signatures, {kid: public})


@given(st.data())
def test_no_byte_of_an_object_can_change(data):
    text = jws.sign(b'{"a":1}', ONE)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = bytearray(text)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadSignatureError):
        jws.check_all(jws.read(bytes(changed))[1], {jws.thumbprint(PUBLIC): PUBLIC})


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts | {"header": {}},
        lambda parts: parts | {"signatures": []},
        lambda parts: parts | {"protected": jws.encode(b'{"alg":"none","kid":"x"}')},
        lambda parts: parts | {"protected": jws.encode(b'{"alg":"EdDSA","crit":["x"],"kid":"x"}')},
        lambda parts: parts | {"payload": parts["payload"] + "="},
        lambda parts: {"payload": parts["payload"]},
    ],
)
def test_no_other_form_is_read(change):
    parts = change(json.loads(jws.sign(b"{}", ONE)))
    with pytest.raises(BadSignatureError):
        jws.read(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"payload":1}'])
def test_garbage_is_refused(text):
    with pytest.raises(BadSignatureError):
        jws.read(text)

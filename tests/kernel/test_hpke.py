"""Sealing to a P-256 key: appendix A.3 of RFC 9180, and the library as a second opinion."""

import os

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pavilion.kernel import hpke
from pavilion.kernel.hpke import NotSealed, PrivateKey

IKM_E = bytes.fromhex("4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e")
IKM_R = bytes.fromhex("668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550")
SK_R = bytes.fromhex("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2")
ENC = bytes.fromhex(
    "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9b"
    "fcb9382657222d18c4"
)
INFO, PLAIN, AAD = b"Ode on a Grecian Urn", b"Beauty is truth, truth beauty", b"Count-0"
CT = bytes.fromhex("5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434")
library = openssl.hpke
SUITE = library.Suite(library.KEM.P256, library.KDF.HKDF_SHA256, library.AEAD.AES_128_GCM)


def test_the_vectors_of_the_rfc_hold():
    receiver = PrivateKey.derived(IKM_R)
    assert receiver.to_bytes() == SK_R
    assert hpke.seal(receiver.point, INFO, AAD, PLAIN, PrivateKey.derived(IKM_E)) == (ENC, CT)
    assert hpke.unseal(PrivateKey.from_bytes(SK_R), INFO, AAD, ENC, CT) == PLAIN


def test_the_library_opens_ours_and_we_open_the_librarys():
    key = PrivateKey.derived(os.urandom(32))
    for aad in (b"", b"x", bytes(32)):
        enc, ct = hpke.seal(key.point, INFO, aad, PLAIN, PrivateKey.derived(os.urandom(32)))
        assert library._decrypt_with_aad(SUITE, enc + ct, key.signing, INFO, aad) == PLAIN
        theirs = library._encrypt_with_aad(SUITE, PLAIN, hpke.public_key(key.point), INFO, aad)
        assert hpke.unseal(key, INFO, aad, theirs[:65], theirs[65:]) == PLAIN


def test_one_changed_bit_anywhere_is_refused():
    key = PrivateKey.from_bytes(SK_R)
    for part, whole in enumerate((INFO, AAD, ENC, CT)):
        for at in range(len(whole)):
            parts = [INFO, AAD, ENC, CT]
            parts[part] = whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
            with pytest.raises(NotSealed):
                hpke.unseal(key, *parts)


@pytest.mark.parametrize("ct", [b"", CT[:15], CT[:-1], CT + b"\0"])
def test_a_ciphertext_cut_or_lengthened_is_refused(ct):
    with pytest.raises(NotSealed):
        hpke.unseal(PrivateKey.from_bytes(SK_R), INFO, AAD, ENC, ct)


@pytest.mark.parametrize(
    "point", [b"", bytes(65), b"\4" + bytes(64), ENC[:-1], b"\2" + ENC[1:33], b"\6" + ENC[1:], ENC + b"\0"]
)
def test_what_is_no_point_of_the_curve_is_no_key(point):
    with pytest.raises(NotSealed):
        hpke.public_key(point)


@pytest.mark.parametrize("scalar", [b"", bytes(32), b"\xff" * 32, bytes(31), bytes(33)])
def test_what_is_no_scalar_of_the_curve_is_no_private_key(scalar):
    with pytest.raises(NotSealed):
        PrivateKey.from_bytes(scalar)


def test_hkdf_is_the_one_of_rfc_5869():
    for salt, info, length in ((b"", b"", 32), (b"salt", b"info", 16)):
        ours = hpke.expand(hpke.extract(salt, b"ikm"), info, length)
        assert ours == HKDF(SHA256(), length, salt, info).derive(b"ikm")


def test_a_key_is_on_the_curve_it_says():
    assert isinstance(hpke.public_key(ENC).curve, ec.SECP256R1)

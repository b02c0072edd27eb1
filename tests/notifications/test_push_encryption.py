"""Web push against the example of RFC 8291, appendix A, and the token of RFC 8292."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.notifications.push import (
    BadSubscription,
    PushHost,
    PushService,
    Subscription,
    decrypt,
    encrypt,
    point_of,
    signed_token,
)

PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def private(text):
    return ec.derive_private_key(int.from_bytes(from_base64url(text), "big"), ec.SECP256R1())


def test_the_example_of_the_standard_comes_out_byte_for_byte():
    place = Subscription("https://push.example/", RECEIVER_PUBLIC, AUTH)
    assert base64url(encrypt(PLAIN, place, ours=private(SENDER), salt=from_base64url(SALT))) == BODY
    assert decrypt(from_base64url(BODY), private(RECEIVER), from_base64url(AUTH)) == PLAIN


def test_no_two_messages_look_alike_and_only_their_browser_reads_them():
    receiver = ec.generate_private_key(ec.SECP256R1())
    place = Subscription("https://push.example/", base64url(point_of(receiver.public_key())), AUTH)
    first, second = encrypt(b"same", place), encrypt(b"same", place)
    assert first != second and b"same" not in first
    assert decrypt(first, receiver, from_base64url(AUTH)) == b"same"
    with pytest.raises(ValueError, match="not for this browser"):
        decrypt(first, ec.generate_private_key(ec.SECP256R1()), from_base64url(AUTH))
    with pytest.raises(ValueError, match="not for this browser"):
        decrypt(first[:-1] + bytes([first[-1] ^ 1]), receiver, from_base64url(AUTH))


def test_the_token_is_signed_by_the_key_the_browser_was_given():
    key = ec.generate_private_key(ec.SECP256R1())
    token = signed_token(key, {"aud": "https://push.example", "exp": 1, "sub": "mailto:a@b.example"})
    head, claims, signature = token.split(".")
    raw = from_base64url(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.public_key().verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert json.loads(from_base64url(head)) == {"typ": "JWT", "alg": "ES256"}
    assert json.loads(from_base64url(claims))["aud"] == "https://push.example"


@pytest.mark.parametrize(
    ("endpoint", "p256dh", "auth", "refused"),
    [
        ("https://evil.example/x", RECEIVER_PUBLIC, AUTH, PushHost),
        ("http://fcm.googleapis.com/x", RECEIVER_PUBLIC, AUTH, PushHost),
        ("https://fcm.googleapis.com@evil.example/x", RECEIVER_PUBLIC, AUTH, PushHost),
        ("https://127.0.0.1/x", RECEIVER_PUBLIC, AUTH, PushHost),
        ("not an address", RECEIVER_PUBLIC, AUTH, PushHost),
        ("https://fcm.googleapis.com/x", "AAAA", AUTH, BadSubscription),
        ("https://fcm.googleapis.com/x", "***", AUTH, BadSubscription),
        ("https://fcm.googleapis.com/x", RECEIVER_PUBLIC, "AAAA", BadSubscription),
    ],
)
def test_only_push_services_on_the_list_and_keys_that_are_keys(endpoint, p256dh, auth, refused):
    service = PushService(bytes(range(1, 33)), "mailto:a@b.example")
    service.check(Subscription("https://fcm.googleapis.com/fcm/send/x", RECEIVER_PUBLIC, AUTH))
    with pytest.raises(refused):
        service.check(Subscription(endpoint, p256dh, auth))

import hashlib

import pytest

from pavilion.kernel.base64url import base64url, from_base64url


def test_base64url_has_one_spelling():
    for length in range(65):
        data = hashlib.shake_256(bytes(length)).digest(length)
        assert from_base64url(base64url(data)) == data
    for odd in ("A", "AB==", "AB", "QQ==", "QR", "Q Q", "A B", "A+", "Q+", "Ä", "AAA=", "AA\n"):
        with pytest.raises(ValueError, match="not base64url"):
            from_base64url(odd)

"""What programs are told of notices."""

from pavilion.notifications.rules import Kind
from pavilion.webkit.answers import Told


class StoppedTold(Told):
    """No mail of this kind goes to that person any more."""

    stopped: Kind

"""Where notifications go: one module a kind of receiver, and one door to make any of them."""

from engine.notify.receivers.factory import BadReceiver, receiver_of

__all__ = ["BadReceiver", "receiver_of"]

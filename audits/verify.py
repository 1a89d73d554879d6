"""What standardwebhooks says of messages: lines of JSON with secret, headers and body in, and a list of true and false out."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def is_genuine(secret: str, headers: dict, body: str) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


cases = map(json.loads, sys.stdin)
print(json.dumps([is_genuine(case["secret"], case["headers"], case["body"]) for case in cases]))

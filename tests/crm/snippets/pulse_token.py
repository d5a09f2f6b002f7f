import time
import uuid

import jwt  # PyJWT


def pulse_token(secret: str, tenant: str, user: str, contact: str, company: str | None = None) -> str:
    """A token that opens the pulse of one contact for one user, for five minutes."""
    now = int(time.time())
    claims = {
        "iss": tenant,
        "aud": "financial-pulse",
        "sub": user,
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid.uuid4()),
        "contact": contact,
    }
    if company is not None:
        claims["company"] = company
    return jwt.encode(claims, secret, algorithm="HS256")

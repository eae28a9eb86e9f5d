"""An OpenID Connect provider for a stack on the emulator: its documents lie in a bucket.

A JWT authorizer reads two documents of its issuer and nothing else, so no process has
to run. The key is an RSA key, the only kind that a JWT authorizer takes; it stays in a
file that its owner alone can read.

usage: cloud-issuer.py FOLDER publish ENDPOINT        make the key and the documents, and
                                                      print the issuer
       cloud-issuer.py FOLDER token AUDIENCE ROLE...  print a token for 12 hours
"""

import base64
import json
import os
import sys
import time
import uuid

import botocore.session
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BUCKET = "segue-issuer"
USER = "Demo User"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def publish(folder, endpoint):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.open(f"{folder}/key.pem", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
    issuer = f"{endpoint}/{BUCKET}"
    with open(f"{folder}/issuer", "w") as file:
        file.write(issuer)
    public = key.public_key().public_numbers()
    number = lambda n: encoded(n.to_bytes((n.bit_length() + 7) // 8, "big"))
    s3 = botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="segue",  # the emulator takes any; nothing here may reach an account
        aws_secret_access_key="segue",
    )
    s3.create_bucket(Bucket=BUCKET)
    for name, document in {
        ".well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{issuer}/keys"},
        "keys": {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": number(public.n), "e": number(public.e)}]},
    }.items():
        s3.put_object(Bucket=BUCKET, Key=name, Body=json.dumps(document).encode(), ContentType="application/json")
    print(issuer)


def token(folder, audience, *roles):
    with open(f"{folder}/key.pem", "rb") as file:
        key = serialization.load_pem_private_key(file.read(), password=None)
    with open(f"{folder}/issuer") as file:
        issuer = file.read()
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, issuer + USER)),
        "name": USER,
        "roles": roles,
        "iat": now,
        "exp": now + 12 * 3600,
    }
    signed = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "1", "typ": "JWT"}, claims))
    print(f"{signed}.{encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}")


folder, verb, *rest = sys.argv[1:]
{"publish": publish, "token": token}[verb](folder, *rest)

"""An identity provider of our own on loopback: real HTTP, keys made on the spot, and every fault one can ask for."""

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "qiyou-atlas", "ji-mi-zhi-mi-9f3a"


class Issuer:
    """What the provider says; a test bends it before the next sign-in."""

    def __init__(self) -> None:
        self.address = ""
        self.claims = {"sub": "u-001", "preferred_username": "wang", "name": "王科长"}
        self.bend = {}  # claims that replace the right ones; None takes one away
        self.algorithm = "RS256"
        self.description = {}
        self.codes = {}
        self.asked = []
        self.fail_with = 0
        self.has_form = False  # shows a page of its own first, as real providers do
        self.rotate()

    def rotate(self) -> None:
        """Make a new key; the former one is no longer published."""
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.kid = f"k{time.monotonic_ns()}"

    def published(self) -> dict:
        shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**shown, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def about(self) -> dict:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "end_session_endpoint": f"{self.address}/logout",
            **self.description,
        }

    def token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.claims,
            **self.bend,
        }
        claims = {key: value for key, value in claims.items() if value is not None}
        if self.algorithm == "none":
            return jwt.encode(claims, "", algorithm="none")
        if self.algorithm == "HS256":  # signed with what everybody can read: the published modulus
            return jwt.encode(claims, self.published()["keys"][0]["n"], algorithm="HS256", headers={"kid": self.kid})
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid})

    def grant(self, query: dict) -> str:
        code = f"code-{len(self.codes)}-{time.monotonic_ns()}"
        self.codes[code] = query
        return f"{query['redirect_uri'][0]}?{urlencode({'code': code, 'state': query['state'][0]})}"

    def exchange(self, form: dict, headers) -> tuple[int, dict]:
        asked = self.codes.pop(form.get("code", [""])[0], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest())
        right = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers.get("authorization") != f"Basic {right}":
            return 401, {"error": "invalid_client", "error_description": f"secret was {headers.get('authorization')}"}
        if (
            asked is None
            or asked["code_challenge"][0] != challenge.rstrip(b"=").decode()
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token(asked["nonce"][0])}


@contextmanager
def running():
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            return

        def reply(self, status, content, **headers):
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {
                "content-type": "application/json",
                "content-length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def page(self, text):
            body = f"<!doctype html><meta charset=utf-8>{text}".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            parts = urlsplit(self.path)
            issuer.asked.append(parts.path)
            if issuer.fail_with:
                self.reply(issuer.fail_with, {})
            elif parts.path == "/.well-known/openid-configuration":
                self.reply(200, issuer.about())
            elif parts.path == "/keys":
                self.reply(200, issuer.published())
            elif parts.path == "/authorize" and issuer.has_form:
                back = issuer.grant(parse_qs(parts.query)).replace("&", "&amp;")
                self.page(f'<h1>统一身份认证</h1><a id="yes" href="{back}">登录</a>')
            elif parts.path == "/authorize":
                self.reply(302, {}, location=issuer.grant(parse_qs(parts.query)))
            else:
                self.page(f"<h1>{parts.path}</h1>")

        def do_POST(self):
            issuer.asked.append(self.path)
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            self.reply(*issuer.exchange(form, self.headers))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

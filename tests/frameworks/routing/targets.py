"""Request targets as they go over the wire: what clients send, and what nobody should."""

from __future__ import annotations


def _listed(text: str) -> list[bytes]:
    return text.encode().split()


LOGIN = _listed("""
/ // /login /login/ //login ///login /login// /login//%0A
/login%0A /login%0a /login/%0A /login%0A/ /login%0A%0A /%0Alogin /login%0D /login%0D%0A /login%00
/login%09 /login%0B /login%0C /login%1C /login%20 /login%7F /login%C2%85 /login%E2%80%A8
/login%C2%A0
/%6Cogin /%6cogin%0A /%256Cogin /login%250A /LOGIN /Login /login. /login%2E /login.json%0A
/login;x=1 /login%3Bx /;/login /login?x=1 /login%3Fx /login#x /login%23x /login?%0A /login%0A?x
/api/login /api/items/5/
/./login /../login /a/../login /%2e/login /%2E%2E/login /login/. /login/.. /login/./
/%2Flogin /login%2F /x%2Flogin /%2F%2Flogin%2F \\login /%5Clogin /login%5C /login/%2F
http://localhost/login http://localhost//login http://localhost/login%0A http://localhost
HTTP://LOCALHOST/login //localhost/login * login %2Flogin /search /search/ /search// /search/%0A
/search%0A /search%0A/ /caf%C3%A9 /caf%C3%A9%0A /cafe%CC%81 /caf%E9 /CAF%C3%89 /caf%C3%A9/
""")

TEXTS = _listed("""
/users /users/ /users// /users/ada /users/ada/ /users//ada /users/%0A /users/ada%0A /users/%0A/
/users/%20 /users/%FF /users/%C3 /users/a%2Fb /users/%E2%80%AE /users/. /users/.. /users/%00
/users/+
/users/a%0Ab /users/;x /users/%25 /users/%2541
/users//posts/1 /users/ada/posts/1 /users/ada/posts/%D9%A3 /users/ada//posts/1 /users/ada/posts/1/
/users/ada/posts/1%0A /users/%0A/posts/1 /users/ada%0A/posts/1 /users/ada/posts%0A/1
/users//posts/1/
/report.json /report.json%0A /.json /a.b.json /%0A.json /report.JSON /top /top/ /top%0A /%0A
/files /files/ /files/a /files/a/b /files//a /files/a/ /files/%0A /files/a%0A /files/a%2Fb /files%0A
/files/a/../b /files/a%0Ab/c /filesystem /glued /glued/ /gluedabc /glued/a%0A /glued%0Aa
/pages/a/edit /pages/edit /pages//edit /pages/a/b/edit /pages/a//edit/ /pages/a/edit%0A
/pages/a/edit/edit /pages/a/edit/ /pages/%2F/edit /pages/a/edit//
/posts/a-b /posts/a-b/ /posts/a-b%0A /posts/a-b/%0A /posts/%C3%A9/ /lang/de /lang/de%0A /lang/%0A%0A
/choice/a /choice/a%0A /choice/c /days/2024-02-29 /days/2024-02-29%0A /days/1709164800
/days/2024-2-9
/days/2024-02-29T10:00:00+0000 /times/10:00:00 /times/10%3A00%3A00 /times/
""")

NUMBERS = _listed("""
/items/5 /items/5/ /items/05 /items/-5 /items/+5 /items/%2B5 /items/--5 /items/5_0 /items/_5
/items/%205 /items/5%20 /items/%D9%A3 /items/%EF%BC%95 /items/%DB%B5%0A /items/5%0A /items/%0A5
/items/5.0 /items/0x5 /items/1e3 /items/%C2%B2 /items/%E2%85%A4 /items/ /items//5 /items/5;a
/items/%E2%80%835 /items/5%1C /items/%F0%9D%9F%93 /items/5%00 /items/99999999999999999999999
/signed/-5 /signed/5 /signed/-%D9%A3 /signed/-5%0A /legacy/5 /legacy/%D9%A3 /legacy/5%0A /legacy/5/
/archive/2024 /archive/2024/ /archive/2024%0A /archive/2024/%0A
/a/title-5 /a/my-title-5 /a/my-title--5 /a/my-title-%D9%A3 /a/my-title-5%0A /a/my-title-+5 /a/-5
/a/a-b-c /a/1-2-3/ /a/%0A-5 /a/--5 /a/a-5_0 /a/a-%205 /a/a%2F-5 /a/my-title-5/ /a//a-5
/prices/1.5 /prices/1 /prices/-1.5 /prices/+1.5 /prices/1e5 /prices/1E-5 /prices/nan /prices/-inf
/prices/Infinity /prices/1_0.5 /prices/%D9%A1.%D9%A5 /prices/1.5%0A /prices/.5 /prices/5. /prices/x
/prices/%201.5
/objects/12345678-1234-5678-1234-567812345678 /objects/12345678-1234-5678-1234-567812345678%0A
/objects/12345678123456781234567812345678 /objects/ABCDEF78-1234-5678-1234-56781234ABCD
/objects/%7B12345678-1234-5678-1234-567812345678%7D /objects/0x345678123456781234567812345678
/objects/urn:uuid:12345678-1234-5678-1234-567812345678 /objects/1_345678123456781234567812345678
/objects/%D9%A1%D9%A1345678123456781234567812345678 /objects/-234567812345678123456781234567812-
/objects/1-2345678123456781234567812345678 /objects/abcdef78-1234-5678-1234-56781234abcd/
/v1.2/x /v1.2%0A/x /v1.2/x%0A /v-1.+2/x /v1.2.3/x /v%D9%A1.%D9%A2/x /v1.2/x/ /v1.2//x
/orders/5 /orders/5.0 /orders/5.00%0A /orders/%205%20 /orders/+5 /orders/5_0 /orders/-5.0 /orders/5.
/rates/5 /rates/.5 /rates/5e3 /rates/-inf /rates/NaN /rates/Infinity /rates/%205.0%0A /rates/1_0.5_0
/keys/12345678-1234-5678-1234-567812345678 /keys/%7B12345678-1234-5678-1234-567812345678%7D
/keys/urn:uuid:12345678-1234-5678-1234-567812345678 /keys/12345678123456781234567812345678%0A
/xab5 /x5 /xa%D9%A3 /xa5%0A /xa-5 /x
""")

TARGETS = [
    *LOGIN,
    *TEXTS,
    *NUMBERS,
    "/café".encode(),
    "/café".encode("latin-1"),
    b"/users/\xff",
    b"/login\x0b",
    b"/login\x01",
]

MOUNT = "/api"
MOUNTED = [
    *TARGETS,
    *(MOUNT.encode() + target for target in TARGETS if target.startswith(b"/")),
    *_listed("""
    /api /api/ /api// /api%0A /api/%0A /apilogin /api//login //api/login /api/api/login
    /x/api/login /api/x/api/login /api%0A/login /api/login%0A /apix/login /API/login
    /%61pi/login /api%2Flogin /a/api/items/5 /api/api /api/apilogin /apiapi/login
    http://localhost/api/login /api/./login /api/../login /api/..%2Flogin
    """),
]
"""Targets for applications that take themselves to be below MOUNT."""

"""What schemathesis cannot know of this API: what an image is, and what exists on this server.

Every answer is also noted, one JSON line each, in the file that PINHOLE_TEST_ANSWERS names: contract.ts reads from
it which documented answers were reached.
"""

import json
import os
import zlib
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

KNOWN = json.loads(os.environ["PINHOLE_TEST_KNOWN"])
ANSWERS = Path(os.environ["PINHOLE_TEST_ANSWERS"])
LEAVES = Path(__file__).parent.parent / "fixtures" / "leaves"

PHOTOGRAPHS = [path.read_bytes() for path in sorted(LEAVES.rglob("*.jpg"))]
photographs = st.sampled_from(PHOTOGRAPHS)
# `format: binary` says nothing of what the bytes are: here they are always photographs.
schemathesis.openapi.format("binary", photographs)
for media_type in KNOWN["image_types"]:
    schemathesis.openapi.media_type(media_type, photographs)

# Values of path parameters that lead to something that is there.
PATHS = {
    "/api/v1/predictions/{prediction_id}": {"prediction_id": KNOWN["prediction_id"]},
    "/api/v1/models/{name}": {"name": KNOWN["model"]["name"]},
    "/api/v1/models/{name}/{version}": KNOWN["model"],
}


@schemathesis.hook
def before_add_examples(context, examples):
    """One good request for each operation that random values would hardly ever hit."""
    operation = context.operation
    if operation.path in PATHS:
        examples.append(operation.Case(path_parameters=dict(PATHS[operation.path])))
    if operation.path == "/api/v1/predict":
        for media_type in KNOWN["image_types"]:
            examples.append(operation.Case(body=PHOTOGRAPHS[0], media_type=media_type, query={"top_k": 1}))
        form = {"files": PHOTOGRAPHS[:3]}
        examples.append(operation.Case(body=form, media_type="multipart/form-data"))


@schemathesis.hook
def filter_query(context, query):
    """Parameters that no operation knows are ignored, as the document says: a request is none the worse for them."""
    known = {parameter.name for parameter in context.operation.query}
    return all(name in known for name in query or {})


@schemathesis.hook
def before_call(context, case, kwargs):
    """Each operation is a client of its own: wrong tokens, which a check sends to all of them, are counted by client.

    Set on the request as it goes out: a header of the case would be taken for one that the case is about.

    And a deadline of a few milliseconds is rightly answered by 504: valid ones are made long enough to be met.
    """
    timeout = (case.headers or {}).get("X-Request-Timeout-Ms")
    if timeout is not None and str(timeout).isdecimal() and 0 < int(timeout) < 60_000:
        case.headers["X-Request-Timeout-Ms"] = "60000"
    number = zlib.crc32(f"{case.operation.method} {case.operation.path}".encode())
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def forwarded(request):
        request.headers["X-Forwarded-For"] = address
        return request

    kwargs["auth"] = forwarded


@schemathesis.hook
def after_call(context, case, response):
    with ANSWERS.open("a") as file:
        line = {
            "operation": f"{case.operation.method.upper()} {case.operation.path}",
            "method": case.method.upper(),
            "status": response.status_code,
            "fallback": b'"fallback":true' in response.content.replace(b" ", b""),
        }
        file.write(json.dumps(line) + "\n")

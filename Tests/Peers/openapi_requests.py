"""Checks requests that the bot sent, and what the sandbox answered, against Discord's OpenAPI description.

usage: openapi_requests.py OPENAPI.json REQUESTS.jsonl

Each line of REQUESTS.jsonl is {"method", "path", "query", "body"}: the path behind /api/v10, the query as an object, the
JSON body or nothing: what the sandbox records. With "status" and "response", the answer is checked as well. Unknown
properties of a request count as mistakes: Discord ignores them, so they are always misspelt ones. Those of an answer do
not: Discord sends more than it describes.
"""

import json
import re
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012


def closed(schema):
    """The schema with every plain object refusing properties that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: closed(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        if "additionalProperties" not in schema and "allOf" not in schema:
            result["additionalProperties"] = False
    return result


def opened(schema):
    """The schema with every choice of exactly one branch turned into one of at least one: open objects fit several."""
    if isinstance(schema, list):
        return [opened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {"anyOf" if name == "oneOf" and isinstance(part, list) else name: opened(part) for name, part in schema.items()}


def leaves(error):
    if not error.context:
        yield error
    for part in error.context:
        yield from leaves(part)


class Description:
    def __init__(self, document):
        self.document = closed(document)
        resource = Resource(contents=self.document, specification=DRAFT202012)
        answers = Resource(contents=opened(document), specification=DRAFT202012)
        self.registry = Registry().with_resources([("urn:discord", resource), ("urn:answers", answers)])
        self.templates = []
        for template in document["paths"]:
            pattern = "".join(
                "[^/]+" if part.startswith("{") else re.escape(part)
                for part in re.split(r"(\{[^}]+\})", template)
            )
            self.templates.append((template.count("{"), re.compile(pattern + "$"), template))
        self.templates.sort(key=lambda entry: entry[0])

    def pointer(self, *parts):
        return "urn:discord#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)

    def errors(self, pointer, value):
        validator = Draft202012Validator({"$ref": pointer}, registry=self.registry)
        for error in validator.iter_errors(value):
            # Of a union's branches the one that got furthest says best what is wrong.
            deepest = max(leaves(error), key=lambda leaf: len(leaf.absolute_path))
            yield f"{'.'.join(map(str, deepest.absolute_path)) or 'body'}: {deepest.message[:300]}"

    def find(self, method, path):
        for _, pattern, template in self.templates:
            if pattern.match(path) and method in self.document["paths"][template]:
                return template
        return None

    def check_answer(self, request):
        method, status = request["method"].lower(), str(request.get("status", ""))
        template = self.find(method, request["path"])
        if template is None or "response" not in request or not status.startswith("2"):
            return
        responses = self.document["paths"][template][method]["responses"]
        key = status if status in responses else status[0] + "XX"
        if key not in responses:
            yield f"status {status} is not described: {', '.join(responses)}"
        elif "application/json" in responses[key].get("content", {}):
            parts = ("paths", template, method, "responses", key, "content", "application/json", "schema")
            yield from self.errors(self.pointer(*parts).replace("urn:discord", "urn:answers"), request["response"])

    def check(self, request):
        method, path = request["method"].lower(), request["path"]
        # RFC 6749, in forms; the description leaves them out.
        if path in ("/oauth2/token", "/oauth2/token/revoke"):
            return
        template = self.find(method, path)
        if template is None:
            yield "no operation of Discord has this method and path"
            return
        item = self.document["paths"][template]
        operation = item[method]
        known = {}
        for scope, parameters in (("item", item.get("parameters", [])), ("op", operation.get("parameters", []))):
            known.update({part["name"]: part for part in parameters if part.get("in") == "query"})
        for name in request.get("query") or {}:
            if name not in known:
                yield f"query: {name} is unknown"
        contents = operation.get("requestBody", {}).get("content", {})
        body = request.get("body")
        if body is None and operation.get("requestBody", {}).get("required"):
            # An absent body is an empty one, which some operations without fields are said to need.
            body = {}
        if body is None:
            return
        if "application/json" not in contents:
            yield "this operation takes no JSON body"
        else:
            pointer = self.pointer("paths", template, method, "requestBody", "content", "application/json", "schema")
            yield from self.errors(pointer, body)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        description = Description(json.load(file))
    checked, answered, failed, operations = 0, 0, 0, set()
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in filter(str.strip, file):
            request = json.loads(line)
            checked += 1
            operations.add((request["method"], description.find(request["method"].lower(), request["path"])))
            problems = list(description.check(request))
            # What a script ordered the sandbox to answer is no answer of Discord's.
            mistakes = list(description.check_answer(request))
            answered += "response" in request
            if problems or mistakes:
                failed += 1
                print(f"{request['method']} {request['path']}")
                print("  " + "\n  ".join(problems + [f"answer: {mistake}" for mistake in mistakes]))
                print(f"  body: {json.dumps(request.get('body'))[:600]}")
                if mistakes:
                    print(f"  answer: {json.dumps(request.get('response'))[:600]}")
    print(
        f"{checked} requests and {answered} answers checked against Discord's OpenAPI,"
        f" {len(operations)} kinds of calls, {failed} invalid"
    )
    if checked == 0:
        print("no requests were recorded: nothing was checked")
    sys.exit(1 if failed or checked == 0 else 0)


if __name__ == "__main__":
    main()

"""Checks requests that the bot sent against Discord's OpenAPI description.

usage: openapi_requests.py OPENAPI.json REQUESTS.jsonl

Each line of REQUESTS.jsonl is {"method", "path", "query", "body"}: the path behind /api/v10, the query as an object, the
JSON body or nothing: what the sandbox records. Unknown properties count as mistakes: Discord ignores them, so they are always misspelt ones.
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


def leaves(error):
    if not error.context:
        yield error
    for part in error.context:
        yield from leaves(part)


class Description:
    def __init__(self, document):
        self.document = closed(document)
        resource = Resource(contents=self.document, specification=DRAFT202012)
        self.registry = Registry().with_resource("urn:discord", resource)
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

    def check(self, request):
        method, path = request["method"].lower(), request["path"]
        for _, pattern, template in self.templates:
            if pattern.match(path) and method in self.document["paths"][template]:
                break
        else:
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
        if body is None:
            if operation.get("requestBody", {}).get("required"):
                yield "the body is missing"
        elif "application/json" not in contents:
            yield "this operation takes no JSON body"
        else:
            pointer = self.pointer("paths", template, method, "requestBody", "content", "application/json", "schema")
            yield from self.errors(pointer, body)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        description = Description(json.load(file))
    checked, failed, operations = 0, 0, set()
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in filter(str.strip, file):
            request = json.loads(line)
            checked += 1
            operations.add((request["method"], re.sub(r"[0-9]{15,}", "ID", request["path"])[:60]))
            problems = list(description.check(request))
            if problems:
                failed += 1
                print(f"{request['method']} {request['path']}")
                print("  " + "\n  ".join(problems))
                print(f"  body: {json.dumps(request.get('body'))[:600]}")
    print(f"{checked} requests checked against Discord's OpenAPI, {failed} invalid")
    if checked == 0:
        print("no requests were recorded: nothing was checked")
    sys.exit(1 if failed or checked == 0 else 0)


if __name__ == "__main__":
    main()

// What the JavaScript judges share: the documents and what stands beside them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

export function load(specs) {
  const names = readdirSync(specs, { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name)
    .filter((name) => readdirSync(join(specs, name)).includes("openapi.yaml"));
  if (names.length === 0) throw new Error(`no document below ${specs}`);
  return names.map((name) => {
    const file = join(specs, name, "openapi.yaml");
    const doc = parse(readFileSync(file, "utf8"));
    return { name, file, dir: join(specs, name), doc, operations: operations(doc) };
  });
}

function operations(doc) {
  return Object.entries(doc.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method])
      .map((method) => ({
        path,
        method,
        ...item[method],
        parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((p) => deref(doc, p)),
        requestBody: deref(doc, item[method].requestBody),
      })),
  );
}

export function deref(doc, value) {
  if (!value?.$ref) return value;
  return value.$ref
    .slice(2)
    .split("/")
    .reduce((at, key) => at[key.replaceAll("~1", "/").replaceAll("~0", "~")], doc);
}

// The media type of a body: JSON for JSON and form data for forms if they are declared, else the one that is.
export function mediaType(body, form) {
  const names = Object.keys(body?.content ?? {}).sort();
  const want = form ? "application/x-www-form-urlencoded" : "application/json";
  return names.includes(want) ? want : names[0];
}

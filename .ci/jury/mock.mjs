// Lets Prism mock every document and calls every operation once: each must answer 2xx (or another status that its
// document declares), with no violation in the request or in the answer.
//
//   node mock.mjs <specs> [first port]
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deref, load, mediaType } from "./documents.mjs";

const [specs, firstPort = "4610"] = process.argv.slice(2);
const prism = fileURLToPath(new URL("node_modules/@stoplight/prism-cli/dist/index.js", import.meta.url));
const startLimit = 60_000;
const callLimit = 20_000;

const documents = load(specs);
const results = await Promise.all(documents.map((d, i) => mock(d, Number(firstPort) + i)));
const problems = results.flat();
for (const problem of problems) console.log(problem);
const calls = documents.reduce((n, d) => n + d.operations.length, 0);
if (problems.length > 0) {
  console.error(`mock: ${problems.length} problems in ${calls} operations`);
  process.exit(1);
}
console.log(`mock: ${calls} operations of ${documents.length} documents answered as documented`);

async function mock(document, port) {
  const server = spawn(process.execPath, [prism, "mock", "--port", String(port), document.file], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  try {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("did not start in time")), startLimit);
      const listen = (chunk) => {
        log += chunk;
        if (log.includes("Prism is listening")) resolve(clearTimeout(timer));
      };
      server.stdout.on("data", listen);
      server.stderr.on("data", listen);
      server.on("exit", () => reject(new Error("ended early")));
    });
    const problems = [];
    for (const operation of document.operations) {
      const problem = await call(document, operation, `http://127.0.0.1:${port}`);
      if (problem) problems.push(`${document.name} ${operation.operationId}: ${problem}`);
    }
    return problems;
  } catch (error) {
    return [`${document.name}: Prism ${error.message}: ${log.trim().split("\n").slice(-5).join(" | ")}`];
  } finally {
    server.kill();
  }
}

async function call({ doc, dir }, operation, base) {
  let path = operation.path;
  const query = new URLSearchParams();
  const headers = { ...credentials(doc, operation) };
  for (const p of operation.parameters) {
    if (!p.required) continue;
    const value = String(p.example ?? sample(doc, p.schema));
    if (p.in === "path") path = path.replace(`{${p.name}}`, encodeURIComponent(value));
    if (p.in === "query") query.set(p.name, value);
    if (p.in === "header") headers[p.name] = value;
  }
  const body = requestBody(doc, dir, operation, headers);
  const url = `${base}${path}${query.size > 0 ? `?${query}` : ""}`;
  const answer = await fetch(url, { method: operation.method.toUpperCase(), headers, body, redirect: "manual", signal: AbortSignal.timeout(callLimit) });
  const text = await answer.text();
  const violations = answer.headers.get("sl-violations");
  if (!(answer.status in operation.responses)) return `answers ${answer.status}, which is not declared: ${text.slice(0, 300)}`;
  const hasSuccess = Object.keys(operation.responses).some((s) => s[0] === "2");
  if (hasSuccess && !answer.ok) return `answers ${answer.status}: ${text.slice(0, 300)}`;
  if (violations) return violations;
  return undefined;
}

// A documented request if there is one, else the examples of the document.
function requestBody(doc, dir, operation, headers) {
  if (!operation.requestBody) return undefined;
  const exceptions = JSON.parse(readFileSync(join(dir, "exceptions.json"), "utf8"));
  const fixture = readdirSync(join(dir, "fixtures")).find(
    (f) => f.startsWith(`${operation.operationId}.request.`) && !(f in exceptions.known_bad) && !(f in exceptions.partial),
  );
  const form = Object.keys(operation.requestBody.content)[0].includes("form");
  const media = mediaType(operation.requestBody, form);
  headers["content-type"] = media;
  if (fixture) return readFileSync(join(dir, "fixtures", fixture), "utf8").trim();
  const value = sample(doc, operation.requestBody.content[media].schema);
  return form ? String(new URLSearchParams(value)) : JSON.stringify(value);
}

function credentials(doc, operation) {
  const wanted = (operation.security ?? doc.security ?? [])[0] ?? {};
  const headers = {};
  for (const name of Object.keys(wanted)) {
    const scheme = deref(doc, doc.components.securitySchemes[name]);
    if (scheme.type === "apiKey" && scheme.in === "header") headers[scheme.name] = "sample";
    if (scheme.type === "http") headers.Authorization = scheme.scheme === "basic" ? "Basic c2FtcGxlOnNhbXBsZQ==" : "Bearer sample";
  }
  return headers;
}

// The required part of a schema, by its examples.
function sample(doc, reference) {
  const schema = deref(doc, reference) ?? {};
  if (schema.example !== undefined) return schema.example;
  if (schema.enum) return schema.enum[0];
  const branch = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (branch) return sample(doc, branch);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((s) => sample(doc, s)));
  switch (schema.type) {
    case "object":
      return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(doc, schema.properties?.[name])]));
    case "array":
      return [sample(doc, schema.items)];
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    default:
      return "sample";
  }
}

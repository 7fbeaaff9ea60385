// Judges every fixture by openapi-request-validator and openapi-response-validator, and holds that and the verdicts of
// libopenapi-validator against what is expected: a fixture passes, unless exceptions.json calls it known_bad. Whoever
// disagrees stands there under "jury", with the reason: {"<fixture>": "<judge>: <reason>"}. Stale entries fail too.
//
//   node fixtures.mjs <specs> <verdicts of judge fixtures>
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import formats from "ajv-formats/dist/formats.js";
import RequestValidator from "openapi-request-validator";
import ResponseValidator from "openapi-response-validator";
import { deref, load, mediaType } from "./documents.mjs";

const customFormats = Object.fromEntries(
  ["date-time", "date", "email", "uri", "uuid"].map((name) => {
    const format = formats.fullFormats[name];
    const check = format.validate ?? format;
    return [name, check.test ? (v) => check.test(v) : check];
  }),
);

const [specs, verdictsFile] = process.argv.slice(2);
const libopenapi = JSON.parse(readFileSync(verdictsFile, "utf8"));
const problems = [];
let judged = 0;
let explained = 0;

for (const { name, dir, doc, operations } of load(specs)) {
  const exceptions = JSON.parse(readFileSync(join(dir, "exceptions.json"), "utf8"));
  const lenient = withoutRequired(doc);
  const jury = { ...exceptions.jury };
  for (const fixture of readdirSync(join(dir, "fixtures")).sort()) {
    const body = readFileSync(join(dir, "fixtures", fixture), "utf8");
    const verdicts = {
      "libopenapi-validator": libopenapi[`${name}/${fixture}`],
      "openapi-validator": judge(fixture in exceptions.partial ? lenient : doc, operations, fixture, body),
    };
    const shouldFail = fixture in exceptions.known_bad;
    const reason = jury[fixture];
    delete jury[fixture];
    let agreed = true;
    for (const [who, wrong] of Object.entries(verdicts)) {
      judged++;
      if (!wrong) problems.push(`${name}/${fixture}: ${who} gave no verdict`);
      else if (wrong.length > 0 !== shouldFail) {
        agreed = false;
        if (reason?.startsWith(`${who}: `) || reason?.startsWith("both: ")) explained++;
        else problems.push(`${name}/${fixture}: ${who} ${shouldFail ? "accepts what is known to be bad" : `says: ${wrong.slice(0, 3).join("; ")}`}`);
      }
    }
    if (agreed && reason) problems.push(`${name}/${fixture}: all agree, but exceptions.json explains a disagreement: ${reason}`);
  }
  for (const fixture of Object.keys(jury)) problems.push(`${name}/${fixture}: explained in exceptions.json, and does not exist`);
}

for (const problem of problems) console.log(problem);
if (problems.length > 0) {
  console.error(`fixtures: ${problems.length} unexplained`);
  process.exit(1);
}
console.log(`fixtures: ${judged} verdicts of 2 judges as expected, ${explained} of them explained in exceptions.json`);

// What is wrong with a fixture in any of its places.
function judge(doc, operations, fixture, text) {
  const form = fixture.endsWith(".form");
  const body = form ? Object.fromEntries(new URLSearchParams(text.trim())) : JSON.parse(text);
  const [operation, kind, status] = fixture.split(".");
  if (kind === "webhook") {
    const schema = operation[0].toUpperCase() + operation.slice(1);
    return request(doc, { content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } } }, body, form);
  }
  const found = operations.filter((o) => o.operationId === operation || operation.startsWith("any"));
  if (kind === "request") {
    return found.flatMap((o) => (o.requestBody ? request(doc, o.requestBody, body, form) : ["no body is documented"]));
  }
  const wrong = [];
  let places = 0;
  for (const o of found) {
    for (const [code, ref] of Object.entries(o.responses)) {
      if (code !== status && !(status.endsWith("xx") && code[0] === status[0])) continue;
      places++;
      wrong.push(...response(doc, code, deref(doc, ref), body));
    }
  }
  return places > 0 ? wrong : ["the status is not documented"];
}

// Forms hold nothing but text: there numbers and booleans are what looks like one.
function request(doc, requestBody, body, form) {
  const media = mediaType(requestBody, form);
  const validator = new RequestValidator.default({
    requestBody: { required: true, content: { [media]: requestBody.content[media] } },
    schemas: doc.components.schemas,
    ajvOptions: { coerceTypes: form },
  });
  const result = validator.validateRequest({ headers: { "content-type": media }, body: structuredClone(body) });
  return (result?.errors ?? []).map((e) => `${e.path} ${e.message}`);
}

function response(doc, status, declared, body) {
  const media = mediaType(declared, false);
  if (!media) return ["no body is documented"];
  const validator = new ResponseValidator.default({
    responses: { [status]: { content: { [media]: declared.content[media] } } },
    components: doc.components,
    customFormats,
  });
  const result = validator.validateResponse(status, structuredClone(body));
  return (result?.errors ?? []).map((e) => `${e.path} ${e.message}`);
}

function withoutRequired(value) {
  if (Array.isArray(value)) return value.map(withoutRequired);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, v]) => key !== "required" || !Array.isArray(v))
      .map(([key, v]) => [key, withoutRequired(v)]),
  );
}

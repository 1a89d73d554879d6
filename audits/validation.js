// Which documents are refused before they run: the program and graphql-js agree on every one of documents.js, but for
// what is listed here.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as graphql from 'graphql';
import * as graphql17 from 'graphql17';
import { documents } from './documents.js';
import { finish, root } from './project.js';
import { serve } from './serve.js';

// [document, why the program sees it otherwise]
const DIFFERENCES = [
  [
    'query ($name: String) { package(by: {filename: $name}) { filename } }',
    'the specification of September 2025 wants a variable in a @oneOf not to be nullable; graphql-js 16 does not look',
  ],
  [
    '{ search(query: "\\uD83D\\uDE00") { totalCount } }',
    'the executor\'s parser takes no surrogate pairs, which the specification has since October 2021',
  ],
  ...[
    'subscription { changes { cursor } changes { node { kind } } }',
    'subscription { ...A ...B } fragment A on Subscription { changes { cursor } } fragment B on Subscription { changes { node { kind } } }',
  ].map((document) => [document, 'the one root field of a subscription is written once here']),
];

// The specification of September 2025 wants a subscription's root field not to be skipped or included; graphql-js looks since
// version 17, and agrees with the program.
const SINCE_17 = 'Subscriptions skip no root field';

const sdl = await readFile(join(root, 'schema.graphql'), 'utf8');
const judges = new Map([graphql, graphql17].map((version) => [version, version.buildSchema(sdl)]));
const failures = [];

function reference(document, version) {
  const { parse, validate } = version;
  try {
    return validate(judges.get(version), parse(document)).map((error) => error.message);
  } catch (error) {
    return [error.message];
  }
}

// What the program says against a document: nothing, where only the variables or the name of the operation are missing.
async function program(url, query) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ query }),
  });
  if (response.headers.get('content-type').startsWith('text/event-stream')) {
    await response.body.cancel(); // it listens
    return [];
  }
  const answer = await response.json();
  const refusals = [];
  for (const { message, extensions } of answer.errors ?? []) {
    switch (extensions?.code) {
      case 'GRAPHQL_PARSE_FAILED':
      case 'GRAPHQL_VALIDATION_FAILED':
        refusals.push(message);
        break;
      case 'OPERATION_RESOLUTION_FAILURE':
        break;
      case 'BAD_USER_INPUT':
        if (extensions.variable || 'data' in answer) break; // the document is well, a value is not
        refusals.push(message);
        break;
      default:
        failures.push(`${query}: ${extensions?.code}: ${message}`);
    }
  }
  if (refusals.length > 0 && 'data' in answer) failures.push(`${query}: refused, and yet it ran`);
  return refusals;
}

const server = await serve({});
let count = 0;
const differing = [];
try {
  for (const [rule, { valid, invalid }] of Object.entries(documents)) {
    for (const [text, isValid] of [...valid.map((text) => [text, true]), ...invalid.map((text) => [text, false])]) {
      count += 1;
      const expected = reference(text, rule === SINCE_17 ? graphql17 : graphql);
      const isListed = DIFFERENCES.some(([document]) => document === text);
      if ((expected.length === 0) !== isValid && !isListed) {
        failures.push(`${rule}: the table calls this ${isValid ? 'valid' : 'invalid'}: ${text} ${expected}`);
      }
      const said = await program(server.url, text);
      if ((said.length === 0) !== (expected.length === 0)) {
        differing.push(text);
        if (!isListed) {
          failures.push(`${rule}: ${text}\n  graphql-js: ${expected.join('; ') || 'valid'}\n  romdex: ${said.join('; ') || 'valid'}`);
        }
      }
    }
  }
} finally {
  await server.stop();
}
for (const [document] of DIFFERENCES) {
  if (!differing.includes(document)) failures.push(`listed as a difference, and is none: ${document}`);
}
if (DIFFERENCES.length > 4) failures.push('more differences are listed than are tolerated');
if (count < 400) failures.push(`only ${count} documents`);
finish(`validation: ${count} documents, ${DIFFERENCES.length} differences from graphql-js`, failures);

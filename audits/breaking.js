// The schema takes nothing away that the last release had: released.graphql is that release's schema.graphql.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { finish, root } from './project.js';

async function breaking(before, after) {
  const changes = await diff(buildSchema(before), buildSchema(after));
  return changes.filter((change) => change.criticality.level === CriticalityLevel.Breaking).map((change) => change.message);
}

const released = await readFile(join(root, 'audits/released.graphql'), 'utf8');
const current = await readFile(join(root, 'schema.graphql'), 'utf8');
const failures = (await breaking(released, current)).map((message) => `not without a deprecation in a release: ${message}`);

// The gate bites: each of these takes something away, or asks for more.
for (const [what, text, instead] of [
  ['a field', '  romCode: String\n', '  code: String\n'],
  ['an enum value', '  WEEKLY\n', '  DEVELOPER\n'],
  ['a field that becomes nullable', 'filename: String!', 'filename: String'],
  ['an argument that becomes required', 'node(\n', 'node(\n    "Which copy." copy: Int!,\n'],
  ['a member of a union', 'Device | Variant | Release | Package', 'Device | Variant | Release'],
]) {
  const changed = released.replace(text, instead);
  if (changed === released) failures.push(`released.graphql no longer has what is taken from it here: ${what}`);
  else if ((await breaking(released, changed)).length === 0) failures.push(`nobody notices when this goes: ${what}`);
}
finish('breaking changes: none since the last release', failures);

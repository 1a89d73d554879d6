// relay-compiler takes real operations over the schema: fragments with arguments, connections, nodes fetched again by id.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import compiler from 'relay-compiler';
import { built, finish, root } from './project.js';

const run = promisify(execFile);
const failures = [];

// Compiles relay/ against a schema, into a folder.
async function compile(schema, artifacts) {
  const folder = await mkdtemp(join(tmpdir(), 'romdex-relay-'));
  try {
    await cp(join(root, 'audits/relay'), folder, { recursive: true });
    await mkdir(join(folder, 'artifacts'));
    await writeFile(join(folder, 'schema.graphql'), schema);
    const done = await run(compiler, ['relay.config.json'], { cwd: folder }).then(() => null, (problem) => problem.stdout + problem.stderr);
    if (done === null && artifacts) await cp(join(folder, 'artifacts'), artifacts, { recursive: true });
    return done;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const artifacts = join(built, 'relay');
await rm(artifacts, { recursive: true, force: true });
const schema = await readFile(join(root, 'schema.graphql'), 'utf8');
const problem = await compile(schema, artifacts);
if (problem) failures.push(problem);
else if ((await readdir(artifacts)).length < 15) failures.push('fewer artifacts than there are fragments and operations');

// What Relay needs of a schema: without it, compiling fails.
for (const [what, text, instead] of [
  ['nodes by id', '  node(\n', '  thing(\n'],
  ['cursors in pages', '  endCursor: String\n', '  finalCursor: String\n'],
  ['edges of a connection', 'edges: [PackageEdge!]!', 'items: [PackageEdge!]!'],
]) {
  const changed = schema.replaceAll(text, instead);
  if (changed === schema) failures.push(`schema.graphql no longer has ${text}`);
  else if ((await compile(changed)) === null) failures.push(`Relay does without ${what}`);
}
finish('relay: every operation compiles', failures);

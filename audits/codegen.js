// graphql-codegen makes TypeScript types of every operation, each scalar mapped, and TypeScript's strictest check takes
// them and a program that uses them.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from '@graphql-codegen/cli';
import { buildSchema, isScalarType, isSpecifiedScalarType } from 'graphql';
import { built, finish, root } from './project.js';

const SCALARS = { ByteCount: 'number', Date: 'string', DateTime: 'string', URL: 'string' };
const run = promisify(execFile);
const failures = [];

const make = (scalars, file) =>
  generate(
    {
      schema: join(root, 'schema.graphql'),
      documents: join(root, 'operations/*.graphql'),
      silent: true,
      generates: {
        [file]: { plugins: ['typescript-operations'], config: { strictScalars: true, defaultScalarType: 'unknown', scalars } },
      },
    },
    true,
  );

const folder = join(built, 'typescript');
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await make(SCALARS, join(folder, 'operations.ts'));

// every custom scalar is in the map, and strictScalars refuses a map that lacks one
const schema = buildSchema(await readFile(join(root, 'schema.graphql'), 'utf8'));
const own = Object.values(schema.getTypeMap()).filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
for (const { name } of own) if (!(name in SCALARS)) failures.push(`scalar ${name} is not mapped`);
const { Date: _, ...incomplete } = SCALARS;
const refused = await make(incomplete, join(folder, 'incomplete.ts')).then(() => false, () => true);
if (!refused) failures.push('a scalar without a type is let through');

// client.ts has lines that must not pass, each marked with @ts-expect-error
try {
  await run(process.execPath, [join(root, 'audits/node_modules/typescript/bin/tsc'), '--project', join(root, 'audits')]);
} catch (problem) {
  failures.push(problem.stdout || String(problem));
}
finish('codegen: TypeScript takes every operation', failures);

// The audits that are Python programs, over one running program with the starter catalogue.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { built, finish, root } from './project.js';
import { serve } from './serve.js';

const audits = join(root, 'audits');
const failures = [];
const server = await serve({});

async function run(stdio, program, ...args) {
  const child = spawn(join(audits, 'venv/bin', program), args, {
    cwd: audits,
    stdio,
    env: { ...process.env, ROMDEX_URL: server.url, SCHEMATHESIS_HOOKS: 'chance', PYTHONDONTWRITEBYTECODE: '1' },
  });
  const [status] = await once(child, 'exit');
  return status;
}

async function must(program, ...args) {
  const status = await run('inherit', program, ...args);
  if (status !== 0) failures.push(`${program} ${args.join(' ')}: ended with ${status}`);
}

// The same program, but for one number that is a text: what schemathesis has to find.
const wrong = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const answer = await fetch(server.url + request.url, {
    method: request.method,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    ...(body.length > 0 && { body }),
  });
  response.writeHead(answer.status, { 'content-type': 'application/json' });
  response.end((await answer.text()).replaceAll(/"(revision|deviceCount|releaseCount|packageCount)":(\d+)/g, '"$1":"$2"'));
});

const token = execFileSync(process.env.ROMDEX_BIN, ['token', 'create', 'schemathesis', '--database-url', server.database], {
  encoding: 'utf8',
  cwd: audits,
}).trim();
const schemathesis = ['schemathesis', '--config-file', 'schemathesis.toml', 'run'];

try {
  rmSync(join(built, 'romdex_client'), { recursive: true, force: true });
  await must('ariadne-codegen', '--config', 'ariadne-codegen.toml');
  await must('python', 'client.py');
  await must('python', 'feeds.py');
  await must(...schemathesis, `${server.url}/graphql`, '--header', `Authorization: Bearer ${token}`);
  wrong.listen(0, '127.0.0.1');
  await once(wrong, 'listening');
  const address = `http://127.0.0.1:${wrong.address().port}/graphql`;
  const status = await run('ignore', ...schemathesis, address, '--include-name', 'Query.catalog', '--max-time', '10');
  if (status !== 1) failures.push(`schemathesis does not find a number that is a text: it ended with ${status}`);
} finally {
  wrong.close();
  await server.stop();
}
finish('python: the client works, and chance finds nothing', failures);

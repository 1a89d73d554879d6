// The audits that are Python programs, over one running program with the starter catalogue.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { deliveries, judge } from './deliveries.js';
import { SETTINGS, gql } from './gql.js';
import { listening } from './listening.js';
import { built, finish, root } from './project.js';
import { serve } from './serve.js';

const audits = join(root, 'audits');
const failures = [];
const server = await serve({});

async function run(stdio, program, ...args) {
  const child = spawn(join(audits, program), args, {
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

// Messages of webhooks, checked by PyPI's standardwebhooks.
async function webhooks() {
  const cases = await deliveries();
  const input = cases.map((one) => `${JSON.stringify(one)}\n`).join('');
  const said = execFileSync(join(audits, 'venv-clients/bin/python'), ['verify.py'], { input, cwd: audits, encoding: 'utf8' });
  judge('standardwebhooks of PyPI', cases, JSON.parse(said), failures);
  console.log(`standardwebhooks: ${cases.length} genuine and forged messages`);
}

// Subscriptions, by gql: it waits most of the time, beside what keeps the processors busy.
async function subscriptions() {
  const other = await serve(SETTINGS);
  try {
    const count = await listening(other, gql, failures);
    console.log(`gql: ${gql.length} transports, broken off twice, hear each of ${count} changes once and in order`);
  } catch (problem) {
    failures.push(problem.stack);
  } finally {
    await other.stop();
  }
}

const token = (await server.command('token', 'create', 'schemathesis')).trim();
const schemathesis = ['venv/bin/schemathesis', '--config-file', 'schemathesis.toml', 'run'];

try {
  rmSync(join(built, 'romdex_client'), { recursive: true, force: true });
  await must('venv/bin/ariadne-codegen', '--config', 'ariadne-codegen.toml');
  await must('venv/bin/python', 'client.py');
  await must('venv/bin/python', 'feeds.py');
  await must('venv-clients/bin/python', 'metrics.py');
  await webhooks();
  await Promise.all([
    subscriptions(),
    must(...schemathesis, `${server.url}/graphql`, '--header', `Authorization: Bearer ${token}`),
  ]);
  wrong.listen(0, '127.0.0.1');
  await once(wrong, 'listening');
  const address = `http://127.0.0.1:${wrong.address().port}/graphql`;
  const status = await run('ignore', ...schemathesis, address, '--include-name', 'Query.catalog', '--max-time', '10');
  if (status !== 1) failures.push(`schemathesis does not find a number that is a text: it ended with ${status}`);
} finally {
  wrong.close();
  await server.stop();
}
finish('python: the clients work, and chance finds nothing', failures);

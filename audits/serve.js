// Starts the program over a database of its own, on a free port.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

// Longer than anything takes, on a busy machine too.
export const PATIENCE = 60_000;

// Waits until something is so.
export async function until(what, isSo) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await isSo();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not after ${PATIENCE / 1000} seconds`);
    await pause(25);
  }
}

export async function serve(environment) {
  const program = process.env.ROMDEX_BIN;
  if (!program) throw new Error('ROMDEX_BIN must name the built program');
  const folder = await mkdtemp(join(tmpdir(), 'romdex-audit-'));
  const database = `sqlite://${join(folder, 'romdex.sqlite')}`;
  const options = { cwd: folder, env: { ...process.env, ...environment } };
  const child = spawn(program, ['serve', '--database-url', database, '--listen', '127.0.0.1:0'], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
      const found = said.match(/listening on (http:\/\/\S+)/);
      if (found) resolve(found[1]);
    });
    child.on('exit', (code) => reject(new Error(`the program ended with ${code} before it listened`)));
  });
  const server = {
    url,
    // What a command over the same database prints.
    async command(...args) {
      const { stdout } = await run(program, [...args, '--database-url', database], options);
      return stdout;
    },
    // The data of an answer.
    async ask(query, variables, token) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = await response.json();
      if (errors) throw new Error(`${query}: ${JSON.stringify(errors)}`);
      return data;
    },
    // Imports packages, each by its file name, as a new state of the archive brings them, and waits until they are served.
    async publish(...filenames) {
      const lines = [
        { kind: 'header', format: 'romdex export', version: 1, credit: 'made up for an audit' },
        ...filenames.map((filename) => ({ kind: 'package', filename, said: { branches: ['STABLE'], dates: ['2026-09-01'], mirrors: 31 } })),
      ];
      const file = join(folder, 'new.jsonl');
      await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      await server.command('import', '--strict', file);
      const query = 'query ($filename: String!) { package(by: { filename: $filename }) { filename } }';
      for (const filename of filenames) {
        await until(`${filename} is served`, async () => (await server.ask(query, { filename })).package);
      }
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
  return server;
}

// Starts the program over a database of its own, on a free port.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function serve(environment) {
  const program = process.env.ROMDEX_BIN;
  if (!program) throw new Error('ROMDEX_BIN must name the built program');
  const folder = await mkdtemp(join(tmpdir(), 'romdex-audit-'));
  const database = `sqlite://${join(folder, 'romdex.sqlite')}`;
  const child = spawn(program, ['serve', '--database-url', database, '--listen', '127.0.0.1:0'], {
    cwd: folder,
    env: { ...process.env, ...environment },
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
  return {
    url,
    database,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

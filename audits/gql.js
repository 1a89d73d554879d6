// Subscriptions, by Python's gql over each of its transports that can listen.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DOCUMENT, INVALID } from './listening.js';
import { root } from './project.js';

const audits = join(root, 'audits');

function client(transport, isSocket) {
  return {
    name: `gql over ${transport}`,
    isSocket,
    async listen({ url, start, resuming, tell, complain }) {
      const args = ['follow.py', transport, url, DOCUMENT, start, resuming];
      const child = spawn(join(audits, 'venv-clients/bin/python'), args, { cwd: audits, stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      let answer;
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { edge, refused, complaint } = JSON.parse(line);
        if (edge) tell(edge);
        else if (refused) answer(refused);
        else complain(complaint);
      });
      return {
        refused: () =>
          new Promise((resolve) => {
            answer = resolve;
            child.stdin.write(`${JSON.stringify(INVALID)}\n`);
          }),
        async end() {
          child.stdin.end();
          const [status] = await ended;
          if (status !== 0) complain(`it ended with ${status}`);
        },
      };
    },
  };
}

// aiohttp hands on a part of an answer when some more have come: what happens is heard a heartbeat or two late.
export const SETTINGS = { ROMDEX__DATABASE__POLL_INTERVAL_MS: '50', ROMDEX__SUBSCRIPTIONS__HEARTBEAT_SECONDS: '1' };
export const gql = [client('websockets', true), client('aiohttp-websockets', true), client('aiohttp', false)];

// What every client that listens has to get: what it missed, in order, and then what happens, each change once, whatever
// becomes of its connection. A client connects through a door of its own, which breaks connections in the middle of a message.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { PATIENCE, until } from './serve.js';

const CHANGE = '{ cursor node { kind subject { ... on Release { version } ... on Package { filename } } } }';
export const DOCUMENT = `subscription Changes($after: String) { changes(after: $after) ${CHANGE} }`;
export const INVALID = 'subscription Changes { changes { cursor nothing } }';

// How a client goes on: with the cursor it heard last; or, to see that this is noticed, with none, or with the first one.
export const RESUMING = {
  last: ({ start, heard }) => heard.at(-1)?.cursor ?? start,
  never: ({ start, connections }) => (connections === 0 ? start : undefined),
  start: ({ start }) => start,
};

const REPLAYED = [
  'miui_ALIOTHEEAGlobal_OS1.0.21.0.TKHEUXM_0a1b2c3d4e_13.0.zip',
  'miui_ALIOTHINGlobal_OS1.0.22.0.TKHINXM_1a1b2c3d4e_13.0.zip',
];
const LIVE = ['miui_ALIOTHEEAGlobal_OS1.0.23.0.TKHEUXM_2a1b2c3d4e_13.0.zip'];
const MISSED = [
  'miui_ALIOTHEEAGlobal_OS1.0.24.0.TKHEUXM_3a1b2c3d4e_13.0.zip',
  'miui_ALIOTHINGlobal_OS1.0.25.0.TKHINXM_4a1b2c3d4e_13.0.zip',
];
const LAST = ['miui_ALIOTHEEAGlobal_OS1.0.26.0.TKHEUXM_5a1b2c3d4e_13.0.zip'];

// Passes connections on to the server, and breaks them.
async function door(server) {
  const { hostname, port } = new URL(server.url);
  const pairs = new Set();
  const door = {
    passed: 0,
    open: () => pairs.size,
    // Breaks the first connection in the middle of the message that has this cursor, by its number.
    breakAt: 0,
    isShut: false,
    shut() {
      door.isShut = true;
      for (const end of pairs) end();
    },
    unlock() {
      door.isShut = false;
    },
    close: () => listener.close(),
  };
  const listener = createServer((client) => {
    client.on('error', () => {});
    if (door.isShut) return client.destroy();
    door.passed += 1;
    const upstream = connect(Number(port), hostname);
    const end = () => {
      pairs.delete(end);
      client.destroy();
      upstream.destroy();
    };
    pairs.add(end);
    upstream.on('error', end).on('close', end);
    client.on('close', end);
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      let at = -1;
      while (door.breakAt > 0 && (at = data.indexOf('"cursor":"', at + 1)) >= 0) {
        door.breakAt -= 1;
        if (door.breakAt === 0) return client.write(data.subarray(0, at + 12), end);
      }
      client.write(data);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  door.url = `http://127.0.0.1:${listener.address().port}/graphql`;
  return door;
}

async function endOfLog(server) {
  const query = 'query ($after: String) { changes(filter: {device: []}, first: 1, after: $after) { pageInfo { hasNextPage endCursor } } }';
  let after;
  for (;;) {
    const { hasNextPage, endCursor } = (await server.ask(query, { after })).changes.pageInfo;
    if (!hasNextPage) return endCursor;
    after = endCursor;
  }
}

async function log(server, after) {
  const query = `query ($after: String) { changes(after: $after, first: 100) { edges ${CHANGE} } }`;
  return (await server.ask(query, { after })).changes.edges.map(line);
}

// What comes of something, or what is said when that takes too long.
const inTime = (promise, otherwise) => Promise.race([promise, pause(PATIENCE, otherwise, { ref: false })]);

// What is compared of a change; some clients add names of types.
function line({ cursor, node: { kind, subject } }) {
  return { cursor, kind, subject: subject.version ?? subject.filename ?? null };
}

// A client: { name, isSocket, listen({ url, after, resuming, start, tell, complain }) → { refused(), end() } }, where `after` is asked
// for the cursor at each connection, and `refused` gives the codes of the errors that INVALID is answered with, beside what is
// listened to. What does not hold is added to the failures.
export async function listening(server, clients, failures) {
  const start = await endOfLog(server);
  const listeners = [];
  async function listen(client, resuming) {
    const listener = { client, resuming, start, connections: 0, heard: [], door: await door(server) };
    const after = () => {
      const cursor = RESUMING[resuming](listener);
      listener.connections += 1;
      return cursor;
    };
    const complain = (problem) => failures.push(`${client.name}: ${problem?.stack ?? JSON.stringify(problem)}`);
    listener.door.breakAt = 3;
    listener.running = await client.listen({
      url: listener.door.url,
      after,
      resuming,
      start,
      tell: (edge) => listener.heard.push(line(edge)),
      complain,
    });
    listeners.push(listener);
  }
  const faithful = () => listeners.filter(({ resuming }) => resuming === 'last');
  const all = async (what, holds) => {
    for (const listener of faithful()) {
      const { client, heard } = listener;
      await until(`${client.name} ${what}`, () => holds(listener)).catch((late) => {
        throw new Error(`${late.message}; it heard ${JSON.stringify(heard)}`);
      });
    }
  };
  const allHear = async (what) => {
    const { length } = await log(server, start);
    await all(`hears ${what}`, ({ heard }) => heard.length >= length);
  };

  try {
    await server.publish(...REPLAYED);
    for (const client of clients) for (const resuming of Object.keys(RESUMING)) await listen(client, resuming);
    await allHear('what it missed');
    await server.publish(...LIVE);
    await allHear('what happens');
    for (const { door } of listeners) door.shut();
    await server.publish(...MISSED);
    for (const { door } of listeners) door.unlock();
    await allHear('what happened while it was away');
    for (const { client, running } of faithful()) {
      const codes = await inTime(running.refused(), ['no answer']);
      if (!isDeepStrictEqual(codes, ['GRAPHQL_VALIDATION_FAILED'])) {
        failures.push(`${client.name}: a document that is not valid is answered with ${JSON.stringify(codes)}`);
      }
    }
    await server.publish(...LAST);
    await allHear('what happens after all that');
    await inTime(Promise.all(listeners.map(({ running }) => running.end())));
    await all('lets go of its connections', ({ door }) => door.open() === 0);

    const expected = await log(server, start);
    if (expected.length !== 2 * [REPLAYED, LIVE, MISSED, LAST].flat().length) failures.push(`the log has ${expected.length} changes`);
    for (const { client, resuming, heard, door } of listeners) {
      const isComplete = isDeepStrictEqual(heard, expected);
      if (resuming === 'last' && !isComplete) {
        failures.push(`${client.name} heard\n${JSON.stringify(heard)}\ninstead of\n${JSON.stringify(expected)}`);
      }
      if (resuming !== 'last' && isComplete) failures.push(`${client.name}: nobody notices that it goes on with the cursor: ${resuming}`);
      if (resuming === 'last' && (client.isSocket ? door.passed !== 3 : door.passed < 3)) {
        failures.push(`${client.name} connected ${door.passed} times: broken twice, it has to be three`);
      }
    }
    return expected.length;
  } finally {
    for (const { door } of listeners) {
      door.shut();
      door.close();
    }
  }
}

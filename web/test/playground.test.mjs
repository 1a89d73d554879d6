// The playground in a real browser, against the real program: a person's first visit, and nothing that leaves this machine.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { chromium } from 'playwright-core';

const program = process.env.ROMDEX_BIN ?? fileURLToPath(new URL('../../target/debug/romdex', import.meta.url));
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const flags = [
  '--no-sandbox', // Chromium refuses to run as root with it
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let folder;
let database;
let server;
let origin;
let browser;

before(async () => {
  await access(program);
  folder = await mkdtemp(join(tmpdir(), 'romdex-browser-'));
  database = `sqlite://${join(folder, 'test.sqlite')}`;
  server = spawn(program, ['serve', '--database-url', database, '--listen', '127.0.0.1:0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    origin = line.match(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/)?.[1];
    if (origin) break;
  }
  assert.ok(origin, 'the program said where it listens');
  browser = await chromium.launch({ executablePath, args: flags });
});

after(async () => {
  await browser?.close();
  if (server && server.exitCode === null) {
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    const [code] = await ended;
    assert.equal(code, 0, 'the program ends well when it is told to');
  }
  await rm(folder, { recursive: true, force: true });
});

/** Opens the playground as a first visit, does something there, and holds against it whatever a browser complains about. */
async function visit(act) {
  const context = await browser.newContext();
  const complaints = [];
  const asked = [];
  await context.route(
    (url) => url.origin !== origin && !['data:', 'blob:'].includes(url.protocol),
    (route) => {
      complaints.push(`asked for ${route.request().url()}`);
      return route.abort();
    },
  );
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`refused by policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`not caught: ${error.message}`));
  page.on('request', (request) => asked.push(request.url()));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} for ${response.url()}`);
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(origin).host) complaints.push(`connected to ${socket.url()}`);
  });
  try {
    await page.goto(`${origin}/playground`);
    await page.getByRole('tab').first().waitFor({ timeout: 60_000 });
    // The schema has arrived when its documentation can be opened.
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await act(page);
    assert.ok(asked.some((url) => url === `${origin}/graphql`), 'the schema was asked for');
  } finally {
    await context.close();
  }
  assert.deepEqual(complaints, []);
}

/** The text of an editor, however much of it is on the screen. */
const shown = (page, part) =>
  page.locator(`${part} .view-lines`).evaluate((lines) => lines.innerText.replaceAll('\u00a0', ' '));

async function run(page) {
  // GraphiQL reads the operation's name from the text a moment after the text has changed.
  await page.waitForTimeout(1_500);
  await page.getByRole('button', { name: /execute query/i }).click();
}

async function answers(page, text) {
  await page
    .locator('.result-window .view-lines')
    .filter({ hasText: new RegExp(text.replaceAll(' ', '\\s')) })
    .waitFor({ timeout: 30_000 });
}

/** Imports the recovery package of a version, as a new state of the archive brings it. */
async function publish(version) {
  const filename = `miui_ALIOTHEEAGlobal_${version}_0a1b2c3d4e_13.0.zip`;
  const lines = [
    { kind: 'header', format: 'romdex export', version: 1, credit: 'made up for a test' },
    { kind: 'package', filename, said: { branches: ['STABLE'], dates: ['2026-09-01'], mirrors: 31 } },
  ];
  const file = join(folder, 'new.jsonl');
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await promisify(execFile)(program, ['import', '--strict', file, '--database-url', database], { cwd: folder });
}

test('the tabs hold examples, and the first one finds the release', { timeout: 120_000 }, async () => {
  await visit(async (page) => {
    const tabs = await page.getByRole('tab').allInnerTexts();
    assert.deepEqual(
      tabs.map((tab) => tab.trim()),
      ['Release', 'Packages', 'NewestFastboot', 'Variants', 'News'],
    );
    assert.match(await shown(page, '.graphiql-query-editor'), /santoni/);
    await run(page);
    await answers(page, '"totalCount": 2');
  });
});

test('every example that is a query answers without errors', { timeout: 120_000 }, async () => {
  await visit(async (page) => {
    for (const tab of await page.getByRole('tab').filter({ hasNotText: 'News' }).all()) {
      await tab.click();
      const answer = page.waitForResponse(
        (response) => response.url() === `${origin}/graphql` && !response.request().postData()?.includes('__schema'),
      );
      await run(page);
      const body = await (await answer).json();
      assert.equal(body.errors, undefined, JSON.stringify(body.errors));
      const found = Object.values(body.data)[0];
      assert.ok(found && found.totalCount !== 0, `${await tab.innerText()} finds something`);
    }
  });
});

test('a query that is typed is answered', { timeout: 120_000 }, async () => {
  await visit(async (page) => {
    const editor = page.locator('.graphiql-query-editor .monaco-editor').first();
    await editor.click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.press('Delete');
    // Brackets close themselves as in any editor; what is typed over them is not doubled.
    await page.keyboard.type('{ device(codename: "alioth") { codename names } }', { delay: 15 });
    await run(page);
    await answers(page, '"codename": "alioth"');
    await answers(page, 'POCO F3');
  });
});

test('a subscription hears of a release that comes in', { timeout: 180_000 }, async () => {
  // What the first import adds to the starter catalogue is history, and no news.
  await publish('OS1.0.20.0.TKHEUXM');
  await visit(async (page) => {
    const subscribed = new Promise((resolve) => {
      page.on('websocket', (socket) => {
        socket.on('framesent', ({ payload }) => payload.includes('"subscribe"') && resolve(payload.toString()));
      });
    });
    await page.getByRole('tab', { name: 'News' }).click();
    await run(page);
    assert.match(await subscribed, /RELEASE_PROMOTED/, 'the variables are sent as well');
    // The server may not have read that yet: a release that it does not tell is followed by another.
    const heard = answers(page, 'RELEASE_ADDED').then(() => true);
    for (let build = 21; build < 27; build += 1) {
      await publish(`OS1.0.${build}.0.TKHEUXM`);
      if (await Promise.race([heard, page.waitForTimeout(4_000)])) break;
    }
    await heard;
    assert.match(await shown(page, '.result-window'), /"version": "OS1\.0\.2\d\.0\.TKHEUXM"/);
    // It listens on: the next one replaces what is shown.
    await publish('OS1.0.30.0.TKHEUXM');
    await answers(page, '"version": "OS1.0.30.0.TKHEUXM"');
    await page.getByRole('button', { name: /stop query/i }).click();
    await page.getByRole('button', { name: /execute query/i }).waitFor();
  });
});

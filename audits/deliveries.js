// Messages of webhooks, as a receiver gets them from the running program, and what a library that checks them has to say of each.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { serve, until } from './serve.js';

const HISTORY = 'miui_ALIOTHEEAGlobal_OS1.0.30.0.TKHEUXM_7a1b2c3d4e_13.0.zip';
const RELEASE = 'miui_ALIOTHEEAGlobal_OS1.0.31.0.TKHEUXM_6a1b2c3d4e_13.0.zip';
const STRANGE = `whsec_${Buffer.from('the secret of another receiver ..').toString('base64')}`;

// Where messages may be sent here: to this machine, without TLS, on any port.
const SETTINGS = {
  ROMDEX__DATABASE__POLL_INTERVAL_MS: '50',
  ROMDEX__WEBHOOKS__ALLOW_HTTP: 'true',
  ROMDEX__WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8',
  ROMDEX__WEBHOOKS__ALLOWED_PORTS: '',
};

// Cases { what, secret, headers, body, isGenuine, member } of real messages, and of the same ones changed on the way.
export async function deliveries() {
  const received = [];
  const receiver = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => name.startsWith('webhook-')));
    received.push({ headers, body, type: JSON.parse(body).type });
    response.writeHead(204).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const server = await serve(SETTINGS);
  try {
    // what the first import adds to the starter catalogue is history, and no news
    await server.publish(HISTORY);
    const token = (await server.command('token', 'create', 'audit')).trim();
    const mutate = (field, type, input, selection) =>
      server.ask(`mutation ($input: ${type}!) { made: ${field}(input: $input) { ${selection} } }`, { input }, token).then(({ made }) => made);
    const url = `http://127.0.0.1:${receiver.address().port}/hook`;
    const filter = { kind: 'RELEASE_ADDED' };
    const { webhook, secret } = await mutate('createWebhook', 'CreateWebhookInput', { url, filter }, 'webhook { id } secret');
    const id = webhook.id;
    const rotate = (previousValidSeconds) =>
      mutate('rotateWebhookSecret', 'RotateWebhookSecretInput', { id, previousValidSeconds }, 'secret').then((made) => made.secret);
    const next = async () => {
      await until('a message', () => received.length > 0);
      return received.shift();
    };
    const ping = async () => {
      await mutate('pingWebhook', 'PingWebhookInput', { id }, 'delivery { id }');
      return next();
    };

    const pinged = await ping();
    await server.publish(RELEASE);
    const released = await next();
    const second = await rotate(3600);
    const during = await ping();
    const third = await rotate(0);
    const after = await ping();
    if (pinged.type !== 'ping' || released.type !== 'release.added') throw new Error(`${pinged.type}, ${released.type}`);

    const changed = (message, headers) => ({ ...message, headers: { ...message.headers, ...headers } });
    const minutesAway = (minutes) => String(Math.floor(Date.now() / 1000) + 60 * minutes);
    return [
      { what: 'a ping', secret, ...pinged, isGenuine: true },
      { what: 'a release', secret, ...released, isGenuine: true },
      { what: 'the old secret, while it is changed', secret, ...during, isGenuine: true },
      { what: 'the new secret, while it is changed', secret: second, ...during, isGenuine: true },
      { what: 'the newest secret, when it is the only one', secret: third, ...after, isGenuine: true },
      { what: 'the old secret, when it has gone', secret: second, ...after, isGenuine: false },
      { what: 'the new secret, before there is one', secret: second, ...released, isGenuine: false },
      { what: 'the secret of another', secret: STRANGE, ...released, isGenuine: false },
      { what: 'another version', secret, ...released, body: released.body.replace('OS1.0.31.0', 'OS1.0.32.0'), isGenuine: false },
      { what: 'a body that is longer', secret, ...released, body: `${released.body} `, isGenuine: false },
      { what: 'the body of another message', secret, ...released, body: pinged.body, isGenuine: false },
      { what: 'the id of another message', secret, ...changed(released, { 'webhook-id': pinged.headers['webhook-id'] }), isGenuine: false },
      { what: 'a later time', secret, ...changed(released, { 'webhook-timestamp': minutesAway(1) }), isGenuine: false },
      { what: 'an old time', secret, ...changed(released, { 'webhook-timestamp': minutesAway(-10) }), isGenuine: false },
      { what: 'no signature', secret, ...changed(released, { 'webhook-signature': '' }), isGenuine: false },
    ];
  } finally {
    await server.stop();
    receiver.close();
  }
}

// Holds what a library said of each case, true or false, against what is so.
export function judge(library, cases, said, failures) {
  if (said.length !== cases.length) failures.push(`${library} said ${said.length} things of ${cases.length} messages`);
  cases.forEach(({ what, isGenuine }, number) => {
    if (said[number] !== isGenuine) failures.push(`${library} takes ${what} for ${said[number] ? 'genuine' : 'forged'}`);
  });
}

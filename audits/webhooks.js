// Messages of webhooks, checked by npm's standardwebhooks.
import { Webhook } from 'standardwebhooks';
import { deliveries, judge } from './deliveries.js';
import { finish } from './project.js';

function isGenuine({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

const failures = [];
const cases = await deliveries();
judge('standardwebhooks of npm', cases, cases.map(isGenuine), failures);
finish(`webhooks: standardwebhooks tells ${cases.length} genuine and forged messages apart`, failures);

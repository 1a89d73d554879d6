// GraphQL over HTTP, by the reference audits of graphql-http. In the default mode all of them pass without a warning;
// in the mode of the released specification, which the audits do not follow yet, what differs is listed.
import { auditServer } from 'graphql-http';
import { getIntrospectionQuery, buildClientSchema } from 'graphql';
import { serve } from './serve.js';

const failures = [];

async function audits(environment) {
  const server = await serve(environment);
  try {
    return await auditServer({ url: `${server.url}/graphql` });
  } finally {
    await server.stop();
  }
}

const compat = await audits({});
const notOk = compat.filter((audit) => audit.status !== 'ok');
console.log(`compat: ${compat.length - notOk.length} of ${compat.length} audits pass`);
for (const audit of notOk) failures.push(`compat ${audit.id} ${audit.status}: ${audit.name}: ${audit.reason}`);

// 294 and 422 in the place of 200 and 400
const DIFFERENT = 'the statuses of the specification of September 2026';
const spec = await audits({ ROMDEX__HTTP__STATUS: 'spec-2026' });
const errors = spec.filter((audit) => audit.status === 'error');
const ok = spec.filter((audit) => audit.status === 'ok');
console.log(`spec-2026: ${ok.length} of ${spec.length} audits pass, ${errors.length} errors; the rest differ by ${DIFFERENT}`);
for (const audit of errors) failures.push(`spec-2026 ${audit.id}: ${audit.name}: ${audit.reason}`);

// the whole schema, as graphql-js and GraphiQL ask for it
const server = await serve({});
try {
  const options = [
    {},
    { specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true },
  ];
  for (const option of options) {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: getIntrospectionQuery(option) }),
    });
    const answer = await response.json();
    if (answer.errors) failures.push(`introspection: ${JSON.stringify(answer.errors)}`);
    else buildClientSchema(answer.data);
  }
  console.log('introspection: the schema builds in graphql-js');
} finally {
  await server.stop();
}

for (const failure of failures) console.error(failure);
process.exit(failures.length === 0 ? 0 : 1);

// @graphql-eslint over schema.graphql and operations/: nothing is found but the exceptions below, and each of those is.
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { Kind, parse, visit } from 'graphql';
import { finish, root } from './project.js';

// [rule, where, why]
const EXCEPTIONS = [
  ['relay-arguments', 'Query.search', 'results come best first: nobody reads them from the end'],
  ['relay-arguments', 'Query.changes', 'a log is followed forwards'],
  ['relay-edge-types', 'ChangeEdge', 'a change is an event; what it is about has an id'],
  ['relay-arguments', 'Query.webhooks', 'one owner has few: nobody reads them from the end'],
  ['relay-arguments', 'Webhook.deliveries', 'newest first, and only the newest are kept'],
  ['relay-edge-types', 'WebhookEdge', 'a webhook is of one token: it is not to be found by id alone'],
  ['relay-edge-types', 'WebhookDeliveryEdge', 'a delivery is of its webhook'],
  ['no-typename-prefix', 'Release.releasedOn', 'the same name on a release and on its packages'],
  ['match-document-filename', 'operations/package-by-md5.graphql', 'MD5 is one word'],
  ['lone-executable-definition', 'operations/side-by-side.graphql', 'an operation is one file, with the fragment that it uses twice'],
];

async function findings(cwd, files) {
  const linter = new ESLint({ cwd, overrideConfigFile: join(root, 'audits/eslint.config.js'), errorOnUnmatchedPattern: true });
  const found = [];
  for (const { filePath, messages } of await linter.lintFiles(files)) {
    const path = filePath.slice(cwd.length + 1);
    const places = path.endsWith('schema.graphql') ? coordinates(await readFile(filePath, 'utf8')) : () => path;
    for (const { ruleId, line, message } of messages) {
      found.push({ rule: (ruleId ?? 'error').replace('@graphql-eslint/', ''), place: places(line), message });
    }
  }
  return found;
}

// The type, or the member of a type, that a line of a schema belongs to.
function coordinates(text) {
  const spans = [];
  visit(parse(text), {
    enter(node, _key, _parent, _path, ancestors) {
      if (!node.name || !(node.kind.endsWith('Definition') || node.kind.endsWith('Extension'))) return;
      const owners = ancestors.filter((other) => other.name && other.kind !== Kind.DOCUMENT).map((other) => other.name.value);
      spans.push({ from: node.loc.startToken.line, to: node.loc.endToken.line, name: [...owners, node.name.value].slice(0, 2).join('.') });
    },
  });
  return (line) => spans.filter(({ from, to }) => from <= line && line <= to).at(-1)?.name ?? `line ${line}`;
}

const failures = [];
const found = await findings(root, ['schema.graphql', 'operations/*.graphql']);
const excepted = ({ rule, place }) => EXCEPTIONS.some(([other, where]) => other === rule && where === place);
for (const finding of found.filter((finding) => !excepted(finding))) {
  failures.push(`${finding.place}: ${finding.message} (${finding.rule})`);
}
for (const [rule, where] of EXCEPTIONS) {
  if (!found.some((finding) => finding.rule === rule && finding.place === where)) {
    failures.push(`${where} is excepted from ${rule} and need not be`);
  }
}

// The rules are in force: each of these schemas breaks one.
const folder = await mkdtemp(join(tmpdir(), 'romdex-lint-'));
try {
  for (const [rule, line] of [
    ['require-description', 'type Silent { "A number." count: Int }'],
    ['relay-connection-types', '"Half a page." type HalfConnection { "The items." edges: [Int!]! }'],
    ['strict-id-in-types', '"A thing." type Thing { "Its name." name: String }'],
    ['naming-convention', '"A thing." type lower { "Its id." id: ID! }'],
    ['require-deprecation-date', '"A thing." type Old { "Its id." id: ID! @deprecated(reason: "use another") }'],
  ]) {
    const schema = join(folder, 'schema.graphql');
    await writeFile(schema, `"The root." type Query { "A number." one: Int }\n${line}\n`);
    process.env.LINTED_SCHEMA = schema; // read by eslint.config.js, which each run takes in anew
    const rules = (await findings(folder, ['schema.graphql'])).map((finding) => finding.rule);
    if (!rules.includes(rule)) failures.push(`${rule} lets this pass: ${line} (found: ${rules})`);
  }
} finally {
  await rm(folder, { recursive: true });
}
finish('lint: the schema and the operations keep every rule', failures);

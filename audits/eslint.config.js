// What is asked of schema.graphql and of operations/: every rule of @graphql-eslint, and Relay's. A rule that is set aside
// as a whole has its reason here; single places that are excepted are in lint.js.
import { join } from 'node:path';
import graphql from '@graphql-eslint/eslint-plugin';
import { root } from './project.js';

// Things without an identity of their own: part of what holds them, counted, or there once.
const WITHOUT_IDENTITY = [
  'BranchCount', 'OperatingSystemCount', 'PackageTypeCount', 'RegionCount', 'Facets',
  'Change', 'Changelog', 'ChangelogSection',
  'Catalog', 'Source', 'Upstream', 'ServiceConfig', 'OperationLimits',
  'UpdateCheck',
  'RateLimit', 'RateLimitConfig', 'SubscriptionLimits', 'WebhookConfig', 'WebhookFilter',
  'Query', 'Mutation', 'Subscription',
];

const strict = (name) => graphql.configs[`flat/${name}`].rules;

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: {
        graphQLConfig: {
          schema: process.env.LINTED_SCHEMA ?? join(root, 'schema.graphql'),
          documents: process.env.LINTED_SCHEMA ? [] : join(root, 'operations/*.graphql'),
        },
      },
    },
    plugins: { '@graphql-eslint': graphql },
  },
  {
    files: ['**/schema.graphql'],
    rules: {
      ...strict('schema-all'),
      ...strict('schema-relay'),
      // Members stand in the order in which a reader wants to meet them.
      '@graphql-eslint/alphabetize': 'off',
      // The root's lists are answered from memory; what can fail is nullable, and shown to be so by the tests.
      '@graphql-eslint/require-nullable-result-in-root': 'off',
      // The rule forbids what it is told to; queries, mutations and subscriptions are all there on purpose.
      '@graphql-eslint/no-root-type': 'off',
      // A mutation answers what it changed: everything else is as it was, and a query away.
      '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'off',
      '@graphql-eslint/strict-id-in-types': [
        'error',
        { exceptions: { types: WITHOUT_IDENTITY, suffixes: ['Connection', 'Edge', 'PageInfo', 'Payload'] } },
      ],
      // Relay's own specification has short lists without pages; ours are bounded, and connections have `nodes` too.
      '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
    },
  },
  {
    files: ['operations/*.graphql'],
    rules: {
      ...strict('operations-all'),
      '@graphql-eslint/alphabetize': 'off',
      // The operations are for scripts and bots that print what they get, not for caches that normalise by id.
      '@graphql-eslint/require-selections': 'off',
    },
  },
];
